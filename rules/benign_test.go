package rules_test

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"net/textproto"
	"net/url"
	"strings"
	"testing"

	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/detect/intake"
)

// ordinary describes requests that pages need and that no tracker makes, as
// they are seen in browsers. A text is "type method URL", then header lines
// ("Name: value") and a body behind "=> ", each on a line of its own. Words in
// braces are replaced; {host} is a made-up name, so that no list of known hosts
// speaks for it, and {same} the last {uuid}. "Site-Cookie" is what the page's own
// site keeps for the browser.
var ordinary = map[string][]string{
	"images of content networks": {
		"image GET https://images.{host}/{slug}/{hex8}-{w}x{h}.jpg?auto=format&fit=crop&w={w}&h={h}&q=80&dpr=2",
		"image GET https://{word}.imgix.net/{slug}.jpg?w={w}&h={h}&auto=format,compress&fit=crop&ixid={b64:22}&ixlib=rb-4.0.3&s={hex32}",
		"image GET https://res.cloudinary.com/{word}/image/upload/c_fill,f_auto,q_auto,w_{w},h_{h}/v{unix}/{slug}.png",
		"image GET https://cdn.shopify.com/s/files/1/{n9}/products/{slug}_{w}x.jpg?v={unix}",
		"image GET https://i.{host}/_next/image?url=https%3A%2F%2F{pagehost}%2Fmedia%2F{slug}.png&w={w}&q=75",
		"image GET https://{word}.media.{host}/photos/{n9}/{hex32}.webp?width={w}&height={h}&quality=85&crop=smart&s={hex40}",
		"image GET https://static.{host}/img/{uuid}/{w}/{h}/{slug}.png?ts={unix}&format=webp",
		"image GET https://lh3.googleusercontent.com/{b64:60}=w{w}-h{h}-k-no",
		"image GET https://{word}.cloudfront.net/{uuid}.png?Expires={unix}&Signature={b64:80}&Key-Pair-Id=APKA{up:16}",
		"image GET https://{word}-assets.s3.eu-central-1.amazonaws.com/u/{uuid}.png?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIA{up:16}%2F20261122%2Feu-central-1%2Fs3%2Faws4_request&X-Amz-Date=20261122T100000Z&X-Amz-Expires=900&X-Amz-SignedHeaders=host&X-Amz-Signature={hex64}",
		"image GET https://storage.googleapis.com/{word}/{uuid}.jpg?GoogleAccessId={word}%40appspot.gserviceaccount.com&Expires={unix}&Signature={b64:80}",
		"image GET https://{word}.blob.core.windows.net/c/{uuid}.png?sv=2024-08-04&se=2026-11-23T10%3A00%3A00Z&sr=b&sp=r&sig={b64:43}",
		"image GET https://wsrv.nl/?url=https://{pagehost}/media/{slug}.jpg&w={w}&h={h}&fit=cover&output=webp",
		"image GET https://i0.wp.com/{pagehost}/wp-content/uploads/2026/11/{slug}.jpg?resize={w}%2C{h}&ssl=1",
		"image GET https://thumbs.{host}/thumb.php?src=/media/{slug}.png&w={w}&h={h}&zc=1&hash={hex32}",
		"image GET https://imageproxy.{host}/{hex40}/{hex64}?width={w}",
		"image GET https://{word}.gumlet.io/{slug}.jpg?width={w}&dpr=1.5&format=auto&compress=true",
		"image GET https://img.{host}/i/{slug}/{w}.gif?v={n4}",
		"image GET https://media.giphy.com/media/{b64:13}/giphy.gif?cid={hex32}&rid=giphy.gif&ct=g",
		"image GET https://image.{host}/t/p/w500/{b64:27}.jpg\nCookie: __cf_bm={b64:43}-{unix}-1.0.1.1-{b64:60}",
		"image GET https://images.{host}/p/{n9}.jpg?{unix}\nCookie: AWSALB={b64:90}; AWSALBCORS={b64:90}",
		"image GET https://picsum.photos/id/{n4}/{w}/{h}?hmac={b64:43}",
		"image GET https://{word}.akamaihd.net/{slug}/{hex16}.avif?imwidth={w}&impolicy=prod_zoom",
	},
	"avatars": {
		"image GET https://www.gravatar.com/avatar/{hex32}?s=96&d=mm&r=g",
		"image GET https://secure.gravatar.com/avatar/{hex64}?size=64&default=identicon",
		"image GET https://1.gravatar.com/avatar/{hex32}?s=50&d=https%3A%2F%2F{pagehost}%2Favatar.png&r=pg",
		"image GET https://avatars.githubusercontent.com/u/{n7}?s=64&v=4",
		"image GET https://cdn.{host}/avatars/{n18}/{hex32}.webp?size=80",
		"image GET https://ui-avatars.com/api/?name={word}+{word}&size=64&background=random",
		"image GET https://graph.{host}/v19.0/{n15}/picture?type=large&width={w}",
		"image GET https://api.dicebear.com/9.x/identicon/svg?seed={uuid}",
		"image GET https://profile.{host}/photo.jpg?userId={uuid}&size=small&v={n4}",
	},
	"maps and tiles": {
		"image GET https://tile.openstreetmap.org/{z}/{n5}/{n5}.png",
		"image GET https://a.basemaps.cartocdn.com/rastertiles/voyager/{z}/{n5}/{n5}@2x.png",
		"image GET https://api.mapbox.com/v4/mapbox.satellite/{z}/{n5}/{n5}@2x.webp?sku=101{b64:9}&access_token=pk.{b64:80}.{b64:22}",
		"xmlhttprequest GET https://api.mapbox.com/geocoding/v5/mapbox.places/{word}.json?access_token=pk.{b64:80}&autocomplete=true&language=de&proximity={lon},{lat}&session_token={uuid}",
		"image GET https://maps.googleapis.com/maps/vt?pb=!1m5!1m4!1i{z}!2i{n5}!3i{n5}!4i256!2m3!1e0!2sm!3i{n9}!3m17!2sde-DE!3sUS!5e18!12m4&key=AIza{b64:35}&token={n6}",
		"image GET https://maps.googleapis.com/maps/api/staticmap?center={lat},{lon}&zoom={z}&size={w}x{h}&scale=2&maptype=roadmap&key=AIza{b64:35}&signature={b64:27}",
		"xmlhttprequest POST https://maps.googleapis.com/$rpc/google.internal.maps.mapsjs.v1.MapsJsInternalService/GetViewportInfo\nContent-Type: application/json+protobuf\n=> [[[{lat},{lon}]],{z},null,\"de-DE\",0]",
		"xmlhttprequest GET https://router.{host}/route/v1/driving/{lon},{lat};{lon},{lat}?overview=full&alternatives=true&steps=true",
		"image GET https://tiles.{host}/styles/osm-bright/{z}/{n5}/{n5}.png?key={b64:20}",
		"xmlhttprequest GET https://tiles.{host}/data/v3/{z}/{n5}/{n5}.pbf?key={b64:20}&mtsid={uuid}",
		"xmlhttprequest GET https://nominatim.openstreetmap.org/search?q={word}&format=jsonv2&addressdetails=1&accept-language=de",
		"image GET https://ecn.t{n1}.tiles.virtualearth.net/tiles/a{n9}.jpeg?g=14566&mkt=en-US",
	},
	"programs' interfaces": {
		"xmlhttprequest GET https://api.{host}/v2/products?page={n2}&per_page=24&sort=price&locale=de_DE&currency=EUR",
		"xmlhttprequest GET https://api.{host}/v1/items/{uuid}?expand=reviews,stock&lang=en-GB",
		"xmlhttprequest GET https://{word}.{host}/wp-json/wp/v2/posts?slug={slug}&_embed=1",
		"xmlhttprequest POST https://api.{host}/graphql\nContent-Type: application/json\n=> {\"operationName\":\"ProductPage\",\"variables\":{\"id\":\"{uuid}\",\"locale\":\"de-DE\",\"first\":20},\"query\":\"query ProductPage($id: ID!, $locale: String!) { product(id: $id) { title price { amount currency } } }\"}",
		"xmlhttprequest POST https://graphql.{host}/api/{n8}\nContent-Type: application/json\nOrigin: {origin}\n=> {\"query\":\"mutation AddToCart($input: CartInput!) { addToCart(input: $input) { cart { id total } } }\",\"variables\":{\"input\":{\"cartId\":\"{uuid}\",\"sku\":\"{sku}\",\"quantity\":1}}}",
		"xmlhttprequest POST https://{word}-dsn.algolia.net/1/indexes/*/queries?x-algolia-agent=Algolia%20for%20JavaScript%20(4.24.0)%3B%20Browser%20(lite)&x-algolia-api-key={hex32}&x-algolia-application-id={up:10}\nContent-Type: application/x-www-form-urlencoded\n=> {\"requests\":[{\"indexName\":\"prod_{word}\",\"params\":\"query={word}&hitsPerPage=20&page=0&clickAnalytics=false&userToken=anonymous-{uuid}\"}]}",
		"xmlhttprequest GET https://search.{host}/suggest?q={word}&limit=8&lang=en&callback=cb{n4}&_={ms}",
		"xmlhttprequest GET https://suggest.{host}/complete/search?client=chrome&q={word}&hl=de&gs_rn=64",
		"xmlhttprequest GET https://firestore.googleapis.com/google.firestore.v1.Firestore/Listen/channel?database=projects%2F{word}%2Fdatabases%2F(default)&gsessionid={b64:43}&VER=8&RID=rpc&SID={b64:22}&CI=0&AID={n2}&TYPE=xmlhttp&zx={b36:12}&t=1",
		"xmlhttprequest POST https://{word}.supabase.co/rest/v1/rpc/search\nContent-Type: application/json\n=> {\"term\":\"{word}\",\"limit\":10}",
		"xmlhttprequest GET https://{word}.supabase.co/rest/v1/orders?select=*&user_id=eq.{uuid}&order=created_at.desc",
		"xmlhttprequest POST https://{word}.execute-api.eu-central-1.amazonaws.com/prod/sessions\nContent-Type: application/json\n=> {\"sessionId\":\"{uuid}\",\"step\":2,\"answers\":[1,3,2]}",
		"xmlhttprequest PUT https://api.{host}/drafts/{uuid}\nContent-Type: application/json\n=> {\"title\":\"{slug}\",\"body\":\"{slug} {slug} {slug}\",\"updatedAt\":{ms}}",
		"xmlhttprequest POST https://api.{host}/v1/chat/completions\nContent-Type: application/json\n=> {\"model\":\"small\",\"messages\":[{\"role\":\"user\",\"content\":\"{slug}\"}],\"conversation_id\":\"{uuid}\"}",
		"xmlhttprequest GET https://api.{host}/cart/{uuid}?currency=EUR&country=DE\nCookie: cart={uuid}; locale=de-DE",
		"xmlhttprequest GET https://api.{host}/me?fields=name,avatar\nCookie: sid={b64:32}; csrf={hex32}",
		"xmlhttprequest GET https://api.{host}/v3/availability?hotelId={n6}&checkin=2026-12-24&checkout=2026-12-28&adults=2&currency=EUR&locale=de-de",
		"xmlhttprequest GET https://api.{host}/v1/prices?ids={n5},{n5},{n5}&vs_currency=eur&ts={unix}",
		"xmlhttprequest GET https://stock.{host}/api/stores/near?lat={lat}&lon={lon}&radius=25&sku={sku}",
		"xmlhttprequest POST https://search.{host}/api/search?engine_key={hex20}\nContent-Type: application/json\n=> {\"q\":\"{word}\",\"page\":1,\"per_page\":20,\"document_types\":[\"page\"],\"filters\":{}}",
		"xmlhttprequest GET https://livechat.{host}/rooms/{uuid}/messages?since={ms}&limit=50",
		"xmlhttprequest GET https://{word}.firebaseio.com/.lp?start=t&ser={n8}&cb=1&v=5&p=1:{n12}:web:{hex22}",
		"xmlhttprequest POST https://www.googleapis.com/calendar/v3/freeBusy?key=AIza{b64:35}\nContent-Type: application/json\n=> {\"timeMin\":\"2026-11-22T00:00:00Z\",\"timeMax\":\"2026-11-29T00:00:00Z\",\"timeZone\":\"Europe/Berlin\",\"items\":[{\"id\":\"{word}@group.calendar.google.com\"}]}",
		"xmlhttprequest GET https://booking.{host}/widget/slots?venue={n6}&date=2026-12-03&people=4&tz=Europe%2FBerlin&lang=de",
		"xmlhttprequest GET https://api.{host}/translate?source=en&target=de&format=text&q={slug}",
		"xmlhttprequest POST https://validate.{host}/v1/address\nContent-Type: application/json\n=> {\"street\":\"{word} 12\",\"zip\":\"10115\",\"city\":\"{word}\",\"country\":\"DE\"}",
		"xmlhttprequest POST https://upload.{host}/files/{uuid}?partNumber={n2}&uploadId={b64:60}\nContent-Type: application/octet-stream",
		"xmlhttprequest GET https://cdn.contentful.com/spaces/{b36:12}/environments/master/entries?content_type=page&fields.slug={slug}&locale=de-DE&include=4&access_token={b64:43}",
		"xmlhttprequest GET https://{b36:8}.api.sanity.io/v2021-10-21/data/query/production?query=*%5B_type%3D%3D%22post%22%5D&%24slug=%22{slug}%22",
		"xmlhttprequest GET https://cdn.jsdelivr.net/gh/{word}/{word}@{hex40}/data.json?v={n4}",
		"xmlhttprequest GET https://raw.githubusercontent.com/{word}/{word}/main/{slug}.json?token={up:29}",
	},
	"pages embedded, cards, counts": {
		"xmlhttprequest GET https://api.{host}/oembed?url={page}&maxwidth={w}&maxheight={h}&format=json",
		"xmlhttprequest GET https://comments.{host}/count?url={page}&lang=de",
		"xmlhttprequest GET https://comments.{host}/api/threads?uri={page}&nested_limit=5&_={ms}",
		"image GET https://img.shields.io/badge/{word}-{word}-green.svg?style=flat",
		"image GET https://badge.{host}/rating.svg?site={pagehost}&lang=de&theme=light",
		"image GET https://i.ytimg.com/vi/{b64:11}/hqdefault.jpg?sqp={b64:40}&rs={b64:33}",
		"image GET https://s.wordpress.com/mshots/v1/{page}?w={w}",
		"image GET https://www.google.com/s2/favicons?domain={pagehost}&sz=32",
		"image GET https://icons.duckduckgo.com/ip3/{pagehost}.ico",
		"image GET https://chart.{host}/qr?chs={w}x{w}&cht=qr&chl={page}&choe=UTF-8",
		"image GET https://api.qrserver.com/v1/create-qr-code/?size=150x150&data={page}",
		"xmlhttprequest GET https://reviews.{host}/v1/summary?productId={n7}&locale=de_DE&apikey={hex32}",
		"xmlhttprequest GET https://weather.{host}/v1/forecast?lat={lat}&lon={lon}&lang=de&units=metric&tz=Europe%2FBerlin&appid={hex32}",
		"xmlhttprequest GET https://api.open-meteo.com/v1/forecast?latitude={lat}&longitude={lon}&hourly=temperature_2m&timezone=Europe%2FBerlin",
		"image GET https://openweathermap.org/img/wn/10d@2x.png?v={n4}",
		"xmlhttprequest GET https://translate.{host}/element?cb=init&hl=de&client=wt&tz=60",
		"xmlhttprequest GET https://feeds.{host}/rss2json?rss_url=https%3A%2F%2F{pagehost}%2Ffeed&count=10",
		"xmlhttprequest GET https://jobs.{host}/api/list?company={word}&location=Berlin&referrer={pagehost}&page={n1}",
	},
	"payment, sign-in, refusal, captchas": {
		"xmlhttprequest POST https://api.stripe.com/v1/payment_methods\nContent-Type: application/x-www-form-urlencoded\n=> type=card&billing_details[name]={word}&guid={uuid}{hex6}&muid={uuid}{hex6}&sid={uuid}{hex6}&payment_user_agent=stripe.js%2F{hex10}&referrer={page}&time_on_page={n5}&key=pk_live_{b64:24}",
		"ping POST https://m.stripe.com/6\nContent-Type: text/plain;charset=UTF-8\n=> {b64:300}",
		"ping POST https://r.stripe.com/b\nContent-Type: application/json\n=> {\"client_id\":\"stripe-js\",\"num_requests\":1,\"events\":[{\"event_name\":\"elements.create\",\"created\":{ms},\"referrer\":\"{pageraw}\",\"guid\":\"{uuid}\"}]}",
		"xmlhttprequest POST https://www.paypal.com/xoplatform/logger/api/logger\nContent-Type: application/json\n=> {\"events\":[{\"level\":\"info\",\"event\":\"paypal_js_sdk\",\"payload\":{\"referer\":\"{pagehost}\",\"sessionID\":\"{uuid}\"}}]}",
		"image GET https://checkoutshopper-live.adyen.com/checkoutshopper/images/logos/{word}.svg?v={n4}",
		"xmlhttprequest POST https://checkoutshopper-live.adyen.com/checkoutshopper/v3/analytics/{uuid}?clientKey=live_{up:32}\nContent-Type: application/json\n=> {\"channel\":\"Web\",\"referrer\":\"{pageraw}\",\"screenWidth\":1920,\"locale\":\"de-DE\"}",
		"xmlhttprequest POST https://www.google.com/recaptcha/api2/reload?k={b64:40}\nContent-Type: application/x-protobuffer\nCookie: _GRECAPTCHA={b64:80}\n=> {b64:200}",
		"image GET https://www.google.com/recaptcha/api2/payload?p={b64:120}&k={b64:40}",
		"xmlhttprequest POST https://hcaptcha.com/getcaptcha/{uuid}\nContent-Type: application/x-www-form-urlencoded\n=> v={hex40}&sitekey={uuid}&host={pagehost}&hl=de&motionData=%7B%22st%22%3A{ms}%7D&n={b64:100}",
		"image GET https://imgs3.hcaptcha.com/tip/{hex64}/{hex64}.jpeg",
		"xmlhttprequest POST https://challenges.cloudflare.com/cdn-cgi/challenge-platform/h/g/flow/ov1/{n9}:{unix}:{b64:43}/{hex16}/{hex15}\nContent-Type: application/x-www-form-urlencoded\n=> v_{hex16}={b64:200}",
		"image GET https://accounts.google.com/gsi/status?client_id={n12}-{b36:32}.apps.googleusercontent.com&cas={b64:40}&is_itp=true",
		"image GET https://login.microsoftonline.com/common/instrumentation/reportpageload?ctx={b64:60}&hpgid=1104&hpgact=1800",
		"xmlhttprequest GET https://{word}.okta.com/oauth2/default/v1/authorize?client_id={b64:20}&nonce={b64:64}&redirect_uri={page}&response_type=id_token&state={b64:64}&prompt=none&scope=openid",
		"image GET https://{word}.auth0.com/checksession.gif?client_id={b64:32}&state={b64:43}&redirect_uri={page}",
		"xmlhttprequest GET https://consent.cookiebot.com/{uuid}/cc.js?renew=false&referer={pagehost}&dnt=false&forceshow=false&cbid={uuid}&brandid=Cookiebot&framework=",
		"image GET https://imgsct.cookiebot.com/1.gif?dgi={uuid}",
		"xmlhttprequest POST https://privacyportal-eu.onetrust.com/request/v1/consentreceipts\nContent-Type: application/json\n=> {\"requestInformation\":\"{b64:200}\",\"identifier\":\"{uuid}\",\"dsDataElements\":{\"Country\":\"DE\",\"InteractionType\":1}}",
		"xmlhttprequest GET https://api.privacy-center.org/v1/events?url={page}&regulation=gdpr&user_id={uuid}",
		"xmlhttprequest POST https://consent-api.service.consent.usercentrics.eu/consent/ua/3\nContent-Type: application/json\n=> {\"action\":\"onAcceptAllServices\",\"controllerId\":\"{hex64}\",\"consentString\":\"{b64:90}\",\"referrer\":\"{pageraw}\",\"language\":\"de\"}",
		"xmlhttprequest GET https://cdn.privacy-mgmt.com/wrapper/v2/meta-data?accountId={n4}&env=prod&propertyId={n5}&metadata=%7B%22gdpr%22%3A%7B%7D%7D",
	},
	"sound, film, fonts by script": {
		"xmlhttprequest GET https://rr{n1}---sn-{b36:8}.googlevideo.com/videoplayback?expire={unix}&ei={b64:22}&ip=192.0.2.7&id=o-{b64:44}&itag=251&source=youtube&requiressl=yes&mime=audio%2Fwebm&gir=yes&clen={n7}&dur=212.041&lmt={us}&keepalive=yes&c=WEB&n={b64:15}&sparams=expire%2Cei%2Cip&sig={b64:90}&cpn={b64:16}&range=0-65536&rn=1&rbuf=0",
		"xmlhttprequest GET https://vod.{host}/{uuid}/720p/seg-{n4}.m4s?token={hex32}&expires={unix}",
		"xmlhttprequest GET https://vod.{host}/{hex32}/chunk-{n4}.ts?hdnts=exp={unix}~acl=/*~hmac={hex64}",
		"xmlhttprequest GET https://player.vimeo.com/video/{n9}/config?autoplay=0&byline=0&h={hex10}&portrait=0&referrer={page}",
		"xmlhttprequest GET https://fonts.googleapis.com/css2?family=Roboto:wght@400;700&display=swap",
		"xmlhttprequest GET https://use.typekit.net/{b36:7}.css?cb={n6}",
		"xmlhttprequest GET https://audio.{host}/stream/{uuid}/{n4}.aac?sid={n9}&ua=web",
		"xmlhttprequest GET https://open.{host}/v1/tracks/{b64:22}?market=DE&locale=de",
		"image GET https://i.scdn.co/image/{hex40}",
		"image GET https://static-cdn.{host}/previews-ttv/live_user_{word}-{w}x{h}.jpg?t={unix}",
	},
	"tests, switches and settings": {
		"xmlhttprequest GET https://flags.{host}/sdk/evalx/{hex24}/contexts/{b64:80}",
		"xmlhttprequest GET https://config.{host}/v1/site/{n6}.json?v={n4}&locale=de-DE",
		"xmlhttprequest POST https://api.{host}/v1/experiments/assign\nContent-Type: application/json\n=> {\"experiment\":\"{slug}\",\"user\":{\"key\":\"{uuid}\",\"country\":\"DE\"}}",
		"xmlhttprequest GET https://i18n.{host}/locales/de-DE/common.json?v={hex8}",
		"xmlhttprequest GET https://assets.{host}/manifest.{hex8}.json?{unix}",
		"xmlhttprequest GET https://sdk.{host}/settings/{uuid}?app_version=3.4.1&platform=web&language=de",
		"xmlhttprequest GET https://geo.{host}/json?fields=country,region",
		"xmlhttprequest GET https://time.{host}/api/now?tz=Europe%2FBerlin&_={ms}",
	},
	"forms, files, games, the rest": {
		"xmlhttprequest POST https://forms.{host}/submit/{b36:8}\nContent-Type: application/json\n=> {\"email\":\"{word}@mail.example\",\"message\":\"{slug}\",\"page\":\"{pageraw}\"}",
		"xmlhttprequest POST https://api.{host}/newsletter/subscribe\nContent-Type: application/x-www-form-urlencoded\n=> email={word}%40mail.example&list={hex10}&lang=de",
		"xmlhttprequest GET https://docs.{host}/d/{b64:44}/preview?rev={n4}&hl=de",
		"image GET https://docs.{host}/uc?export=view&id={b64:33}",
		"xmlhttprequest POST https://play.{host}/rooms/{uuid}/move\nContent-Type: application/json\n=> {\"from\":\"e2\",\"to\":\"e4\",\"clock\":{n6},\"playerId\":\"{uuid}\"}",
		"image GET https://latex.{host}/svg.image?%5Cfrac%7Ba%7D%7Bb%7D",
		"image GET https://www.plantuml.com/plantuml/svg/{b64:70}",
		"xmlhttprequest GET https://api.{host}/v1/customers?customer_id={uuid}&locale=de-DE\nSite-Cookie: customer_id={same}",
		"xmlhttprequest GET https://api.{host}/v1/recommendations?user_id={uuid}&page=1\nSite-Cookie: visitor={same}",
		"image GET https://chart.{host}/spark.png?series={n9},{n9},{n9}&w={w}&h={h}",
		"xmlhttprequest GET https://registry.npmjs.org/{word}?_={ms}",
		"xmlhttprequest GET https://api.github.com/repos/{word}/{word}/releases?per_page=5",
		"xmlhttprequest GET https://{word}.zendesk.com/embeddable/config?_={n8}",
		"xmlhttprequest GET https://{word}.zendesk.com/api/v2/help_center/de/articles/{n12}.json?include=sections",
		"image GET https://web.archive.org/web/2026/https://{pagehost}/logo.png?{n8}",
		"image GET https://image.thum.io/get/width/{w}/crop/{h}/{pageraw}",
		"image GET https://mathimg.{host}/render?tex={slug}&dpi=150&fg=000000",
		"image GET https://barcode.{host}/?type=ean13&code={n12}&width={w}&height={h}",
		"xmlhttprequest GET https://ws.{host}/signalr/negotiate?clientProtocol=2.1&connectionData=%5B%7B%22name%22%3A%22hub%22%7D%5D&_={ms}",
		"xmlhttprequest POST https://ws.{host}/hub/negotiate?negotiateVersion=1\nContent-Type: text/plain;charset=UTF-8",
		"xmlhttprequest GET https://polling.{host}/socket.io/?EIO=4&transport=polling&t={b64:7}&sid={b64:20}",
		"xmlhttprequest POST https://polling.{host}/socket.io/?EIO=4&transport=polling&t={b64:7}&sid={b64:20}\nContent-Type: text/plain;charset=UTF-8\n=> 42[\"typing\",{\"room\":\"{uuid}\"}]",
	},
}

// maker fills in templates. It has a seed, so that every run makes the same.
type maker struct {
	*rand.Rand
	hosts *rand.Rand // chooses {host}
	page  string
	same  string // the last {uuid}
	// siteCookie is what the page's own site keeps in a cookie.
	siteCookie string
}

func (m *maker) newPage() string {
	return "https://" + m.word() + m.word() + ".example/" + m.word() + "/" + m.word()
}

var makerWords = strings.Fields(`amber basil cedar delta ember fjord grove harbor indigo juniper kestrel lumen meadow nectar orchid pepper
	quartz raven saffron timber umber velvet willow yarrow zephyr atlas birch copper dune echo`)

func (m *maker) word() string { return makerWords[m.IntN(len(makerWords))] }

func (m *maker) digits(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte('0' + m.IntN(10))
	}
	if n > 1 && b[0] == '0' {
		b[0] = '7'
	}
	return string(b)
}

func (m *maker) bytes(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(m.IntN(256))
	}
	return b
}

func (m *maker) from(alphabet string, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = alphabet[m.IntN(len(alphabet))]
	}
	return string(b)
}

// fill replaces the words in braces.
func (m *maker) fill(s string) string {
	var b strings.Builder
	for {
		i := strings.IndexByte(s, '{')
		j := strings.IndexByte(s[i+1:], '}')
		if i < 0 || j < 0 {
			b.WriteString(s)
			return b.String()
		}
		b.WriteString(s[:i])
		if v, ok := m.value(s[i+1 : i+1+j]); ok {
			b.WriteString(v)
			s = s[i+j+2:]
		} else {
			b.WriteByte('{')
			s = s[i+1:]
		}
	}
}

func (m *maker) value(name string) (string, bool) {
	name, arg, _ := strings.Cut(name, ":")
	n := 0
	fmt.Sscan(arg, &n)
	now := 1763805600 + m.Int64N(86400*30)
	switch name {
	case "host":
		pick := func() string { return makerWords[m.hosts.IntN(len(makerWords))] }
		return pick() + pick() + [...]string{".com", ".net", ".io", ".de", ".co.uk"}[m.hosts.IntN(5)], true
	case "word":
		return m.word(), true
	case "slug":
		return m.word() + "-" + m.word() + "-" + m.digits(1+m.IntN(4)), true
	case "sku":
		return strings.ToUpper(m.word()[:3]) + "-" + m.digits(5), true
	case "w", "h":
		return [...]string{"64", "150", "320", "480", "640", "800", "1024", "1200", "1920"}[m.IntN(9)], true
	case "z":
		return m.digits(2), true
	case "lat", "lon":
		return m.digits(2) + "." + m.digits(6), true
	case "unix":
		return fmt.Sprint(now), true
	case "ms":
		return fmt.Sprint(now*1000 + m.Int64N(1000)), true
	case "us":
		return fmt.Sprint(now*1000000 + m.Int64N(1000000)), true
	case "uuid":
		h := hex.EncodeToString(m.bytes(16))
		m.same = h[:8] + "-" + h[8:12] + "-4" + h[13:16] + "-a" + h[17:20] + "-" + h[20:]
		return m.same, true
	case "same":
		return m.same, true
	case "b64":
		return base64.RawURLEncoding.EncodeToString(m.bytes(n))[:n], true
	case "b36":
		return m.from("abcdefghijklmnopqrstuvwxyz0123456789", n), true
	case "up":
		return m.from("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", n), true
	case "page":
		return url.QueryEscape(m.page), true
	case "pageraw":
		return m.page, true
	case "pagehost":
		return detect.HostOf(m.page), true
	case "origin":
		return "https://" + detect.HostOf(m.page), true
	}
	if d, ok := strings.CutPrefix(name, "hex"); ok {
		fmt.Sscan(d, &n)
		return hex.EncodeToString(m.bytes(n/2 + 1))[:n], n > 0
	}
	if d, ok := strings.CutPrefix(name, "n"); ok {
		fmt.Sscan(d, &n)
		return m.digits(n), n > 0
	}
	return "", false
}

// request makes one request of a template.
func (m *maker) request(t testing.TB, template string) detect.Request {
	lines := strings.Split(template, "\n")
	first := strings.SplitN(lines[0], " ", 3)
	h := textproto.MIMEHeader{}
	h.Set("Referer", m.page)
	if m.IntN(2) == 0 { // most browsers keep the path to themselves
		h.Set("Referer", "https://"+detect.HostOf(m.page)+"/")
	}
	target := m.fill(first[2])
	var body []byte
	for _, l := range lines[1:] {
		if b, ok := strings.CutPrefix(l, "=> "); ok {
			body = []byte(m.fill(b))
			continue
		}
		name, value, ok := strings.Cut(l, ": ")
		if !ok {
			t.Fatalf("bad line %q", l)
		}
		if value = m.fill(value); name == "Site-Cookie" {
			m.siteCookie = value
			continue
		}
		h.Set(name, value)
	}
	r := intake.Request(first[1], target, h)
	ty, ok := detect.ParseType(first[0])
	if !ok {
		t.Fatalf("bad type in %q", template)
	}
	r.Type, r.Body = ty, body
	return r
}
