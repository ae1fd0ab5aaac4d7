package judge

import (
	"encoding/hex"
	"fmt"
	"html"
	"math/rand/v2"
	"net/url"
	"strconv"
	"strings"
)

// The newsletter set: messages made of layouts, pictures that every newsletter
// has, and opening counters in the shapes of mail senders' services. It is made
// anew from a seed each time, and each picture's truth is known.

// truth is what a generated reference is.
type truth int

const (
	ordinary truth = iota
	content        // a picture made for one reader: seen, so no counter
	tracker
)

// letter is one generated message.
type letter struct {
	html   string
	me     string
	truth  map[string]truth
	vendor string // of its counter, "" if it has none
}

// shapes are counters as services write them. {xN} is N hexadecimal digits, {dN}
// decimal, {aN} small letters and digits, {mN} base64url characters, {u} a UUID,
// {h} a host of the sender's, {mail} the reader's address or something else.
var shapes = [][2]string{
	{"mailchimp", "https://shop.us{d1}.list-manage.com/track/open.php?u={x25}&id={x10}&e={x10}"},
	{"mailchimp-tx", "https://mailchimp.com/mctx/opens?xid={x12}&uid={d8}&pool=default"},
	{"mandrill", "https://mandrillapp.com/track/open.php?u={d8}&id={x32}"},
	{"sendgrid", "https://u{d7}.ct.sendgrid.net/wf/open?upn=u001.{m120}"},
	{"sendgrid-own", "https://{h}/wf/open?upn={m140}"},
	{"sendgrid-ss", "https://{h}/ss/o/u001.{m22}/{a3}/{m22}/ho.gif"},
	{"ses", "https://{a8}.r.eu-west-1.awstrack.me/I0/{x16}-{x8}-{x4}-{x4}-{x4}-{x12}-000000/{m27}=211"},
	{"ses-own", "https://{h}/CI0/{x16}-{x8}-{x4}-{x4}-{x4}-{x12}-000000/{m27}=12"},
	{"govdelivery", "https://links-1.govdelivery.com/track?enid=ZWFzPTEm{m60}"},
	{"hubspot", "https://track.hubspotemail.net/e2t/to/{m150}"},
	{"hubspot-own", "https://{h}/e3t/Cto/{m20}/{m90}"},
	{"sidekick", "https://t.sigopn01.com/e2t/o/{m70}?si={d10}&pi={u}"},
	{"klaviyo", "https://trk.klclick1.com/o/01{m24}"},
	{"customerio", "https://track.customer.io/e/o/eyJ{m80}"},
	{"customerio-own", "https://{h}/e/o/eyJ{m80}"},
	{"braze", "https://sdk.iad-01.braze.com/open?mid={x24}"},
	{"iterable", "https://links.iterable.com/e/eo?_t={x32}&_m={x32}&_e={m44}"},
	{"iterable-own", "https://{h}/e/eo?_t={x32}&_m={x32}&_e={m44}"},
	{"sparkpost", "https://go.sparkpostmail1.com/q/{m22}~~/{m12}~/{m60}"},
	{"sparkpost-own", "https://{h}/q/{m22}~~/{m12}~/{m60}"},
	{"mailgun", "https://email.{h}/o/eJ{m90}"},
	{"postmark", "https://pstmrk.it/open?m=v3_1.{m24}.{m60}"},
	{"mailjet", "https://{a5}.mjt.lu/oo/{m16}/{x8}/e.gif"},
	{"mailjet-own", "https://{h}/oo/{m16}/{x8}/e.gif"},
	{"brevo", "https://r.sendibt3.com/tr/op/{m90}"},
	{"brevo-own", "https://{h}/mk/op/{m90}"},
	{"activecampaign", "https://shop.emlnk9.com/lt.php?x={m12}&s={x32}&i={d5}A{d4}A1A{d3}&l=open"},
	{"activecampaign-pt", "https://{h}/Prod/link-tracker?notrack=1&redirectUrl=&sig={m30}&iat={d10}&a=%7C%7C{d8}%7C%7C&account=shop.activehosted.com&email={m40}&s={x32}&i={d4}A{d4}A0A{d3}"},
	{"constantcontact", "https://r20.rs6.net/on.jsp?ca={u}&a={d13}&c={u}&ch={u}"},
	{"campaignmonitor", "https://shop.cmail19.com/t/j-o-{a7}-{a7}/o.gif"},
	{"sfmc", "https://cl.s{d2}.exct.net/open.aspx?ffcb10-{x20}-{x30}-{x20}&d={d5}&bmt=0"},
	{"sfmc-own", "https://click.{h}/open.aspx?ffcb10-{x20}-{x30}-{x20}&d={d5}&bmt=0"},
	{"pardot", "https://{h}/r/{d6}/1/{d10}/open/1"},
	{"marketo", "https://{h}/trk?t=1&mid={m40}"},
	{"adobecampaign", "https://t.{h}/r/?id=h{x7},{x7},1"},
	{"eloqua", "https://s{d7}.t.en25.com/e/FooterImages/FooterImage1?elq={x32}&siteid={d7}"},
	{"responsys", "https://{h}/pub/as?_ri_=X0Gzc2X%3D{m40}&_ei_={m24}"},
	{"acoustic", "https://www.pages{d2}.net/open/log/{d6}/{m16}/{m20}/1"},
	{"emarsys", "https://link.{h}/mo/{m10}_{d9}_{d7}_{d6}_{d3}.gif"},
	{"selligent", "https://{h}/optiext/optiextension.dll?ID={m40}"},
	{"sailthru", "https://link.{h}/img/{x24}.{a5}.{a5}/{x8}.gif"},
	{"cheetah", "https://ebm.{h}/rts/open.aspx?tp=i-{x4}-{x2}-{a3}-{a6}-1c-{a4}-{m26}"},
	{"mapp", "https://{h}/tr/p.gif?uid={m16}&mid={d6}"},
	{"inxmail", "https://news.{h}/d/d.gif?{m40}"},
	{"copernica", "https://pic.{h}/images/pixel2.gif?pomiv={m32}"},
	{"rapidmail", "https://t{x8}.emailsys1a.net/o/{d3}/{d7}/{x12}/1.gif"},
	{"getresponse", "https://{h}/open.html?x=a62b&m={m5}&mc={m2}&s={m5}&u={m5}&y={m2}&"},
	{"aweber", "https://openrate.aweber.com/t?l={d7}&m={m12}"},
	{"convertkit", "https://open.convertkit-mail2.com/{a20}"},
	{"drip", "https://dripemail2.com/o/eyJ{m90}"},
	{"mailerlite", "https://click.mlsend.com/link/o/{m120}"},
	{"substack", "https://eotrx.substackcdn.com/open?token=eyJ{m60}.eyJ{m80}.{m43}"},
	{"omnisend", "https://sw.omnisend.com/transactional/track/{x24}?signature={x64}"},
	{"benchmark", "https://bmetrack.com/c/o?e={x7}&c={x5}&t=0&email={m30}"},
	{"icontact", "https://click.icptrack.com/icp/track.php?msgid={d7}&act={m4}&r={d9}&c={d6}"},
	{"maropost", "https://{h}/a/{d4}/open/{d5}/{d7}/{x40}"},
	{"phplist", "https://{h}/lists/ut.php?u={x32}&m={d3}"},
	{"sendy", "https://{h}/t/{m22}/{m22}"},
	{"mautic", "https://{h}/email/{x22}.gif"},
	{"listmonk", "https://{h}/campaign/{u}/{u}/px.png"},
	{"mailwizz", "https://{h}/campaigns/{a13}/track-opening/{a13}"},
	{"interspire", "https://{h}/open.php?M={d7}&L={d2}&N={d3}&F=H&image=.jpg"},
	{"intercom", "https://via.intercom.io/o?h={x40}-{d8}_{d12}"},
	{"outreach", "https://{h}/api/mailings/opened/{m60}.gif"},
	{"yesware", "https://t.yesware.com/t/{x40}/{x32}/spacer.gif"},
	{"mixmax", "https://email.mixmax.com/api/track/v2/{m17}/{m40}/{m30}?sc=false"},
	{"streak", "https://mailfoogae.appspot.com/t?sender=a{m24}&type=zerocontent&guid={u}"},
	{"mailtrack", "https://mailtrack.io/trace/mail/{x40}.png?u={d7}"},
	{"litmus", "https://{a8}.emltrk.com/{a8}?d={mail}"},
	{"linkedin", "https://www.linkedin.com/emimp/ip_{m60}.gif"},
	{"github", "https://github.com/notifications/beacon/{m60}.gif"},
	{"surveymonkey", "https://www.surveymonkey.com/tr/v1/te/{m100}"},
	{"eventbrite", "https://www.eventbrite.com/emails/action/?recipient={mail}&type_id=63&type=open&send_id=2026-11-{d2}&list_id={d1}"},
	{"movableink-open", "https://{h}/p/rp/{x16}.png?mi_u={mail}&type=open"},
	{"nameless-query", "https://{h}/r.php?n={d6}&s={d9}"},
	{"nameless-path", "https://{h}/{m32}"},
	{"nameless-mail", "https://{h}/i.gif?to={mail}"},
}

type maker struct{ *rand.Rand }

const (
	hexes  = "0123456789abcdef"
	tens   = "0123456789"
	alnums = "abcdefghijklmnopqrstuvwxyz0123456789"
	mixeds = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
)

func (k maker) run(alphabet string, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = alphabet[k.IntN(len(alphabet))]
	}
	return string(b)
}

func (k maker) uuid() string {
	s := k.run(hexes, 32)
	return s[:8] + "-" + s[8:12] + "-4" + s[13:16] + "-a" + s[17:20] + "-" + s[20:]
}

// fill writes a pattern's placeholders.
func (k maker) fill(pattern, host, mail string) string {
	var b strings.Builder
	for {
		before, rest, ok := strings.Cut(pattern, "{")
		b.WriteString(before)
		if !ok {
			return b.String()
		}
		verb, after, _ := strings.Cut(rest, "}")
		pattern = after
		n, _ := strconv.Atoi(verb[1:])
		switch {
		case verb == "h":
			b.WriteString(host)
		case verb == "u":
			b.WriteString(k.uuid())
		case verb == "mail":
			b.WriteString(mail)
		default:
			b.WriteString(k.run(map[byte]string{'x': hexes, 'd': tens, 'a': alnums, 'm': mixeds}[verb[0]], n))
		}
	}
}

func (k maker) pick(list ...string) string { return list[k.IntN(len(list))] }

// hide writes a counter in one of the ways senders do.
func (k maker) hide(u string) string {
	u = html.EscapeString(u)
	return fmt.Sprintf(k.pick(
		`<img src="%s" width="1" height="1" alt="" />`, `<img src="%s" width="1" height="1" border="0" style="height:1px!important;width:1px!important">`,
		`<img alt="" src="%s" style="display:none">`, `<img src="%s" height="0" width="0">`, `<img src='%s' style='width:1px;height:1px;opacity:0'>`,
		`<div style="display:none;max-height:0;overflow:hidden"><img src="%s"></div>`, `<img border=0 width=1 height=1 src=%s>`,
		`<img src="%s" style="position:absolute;left:-9999px" width="1">`, `<img class="oc" src="%s" alt="">`,
		`<table width="1" height="1"><tr><td><img src="%s" width="1" height="1"></td></tr></table>`,
		`<img src="%s" style="visibility:hidden" width="2" height="2">`, `<img src="%s" height="1">`,
	), u)
}

// proxied wraps u as webmail services do.
func (k maker) proxied(u string) string {
	switch k.IntN(4) {
	case 0:
		return "https://ci3.googleusercontent.com/proxy/" + k.run(mixeds, 90) + "=s0-d-e1-ft#" + u
	case 1:
		return "https://ecp.yusercontent.com/mail?url=" + url.QueryEscape(u) + "&t=1790000000&ymreqid=" + k.uuid() + "&sig=" + k.run(mixeds, 22) + "~D"
	case 2:
		return "https://mail.proton.me/api/core/v4/images?Url=" + url.QueryEscape(u) + "&DryRun=0&UID=" + k.run(alnums, 32)
	}
	b := []byte(u)
	for i := range b {
		b[i] = b[i]<<4 | b[i]>>4
	}
	return "https://www.fastmailusercontent.com/proxy/" + k.run(hexes, 64) + "/" + hex.EncodeToString(b) + "/open"
}

// pictures are what a newsletter shows. {acc} stands for the sender's account.
var shown = []string{
	"https://cdn.{h}/images/logo.png", "https://cdn.{h}/{acc}/images/{u}.png", "https://mcusercontent.com/{acc}/images/{u}.jpg",
	"https://d{a13}.cloudfront.net/{acc}/{x32}.jpg", "https://images.{h}/is/image/shop/{d8}_hero?$newsletter$&wid=600",
	"https://res.cloudinary.com/shop/image/upload/v17{d8}/{a20}.jpg", "https://cdn.shopify.com/s/files/1/{d4}/{d4}/products/boots-{d6}.jpg?v=17{d8}",
	"https://i.{h}/products/{d8}/large.webp", "https://{h}/wp-content/uploads/2026/11/banner-{d4}.jpg", "https://static.{h}/icons/facebook@2x.png",
}

var signed = []string{
	"https://shop-mail.s3.amazonaws.com/hero/{u}.jpg?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={m20}%2F20261101&X-Amz-Date=20261101T000000Z&X-Amz-Expires=604800&X-Amz-SignedHeaders=host&X-Amz-Signature={x64}",
	"https://d{a13}.cloudfront.net/hero/{x16}.png?Expires=1893456000&Signature={m170}&Key-Pair-Id=K{m13}",
	"https://storage.googleapis.com/shop/{u}.png?GoogleAccessId=m%40p.iam.gserviceaccount.com&Expires=1893456000&Signature={m200}",
	"https://shop.blob.core.windows.net/pics/{x12}.jpg?sv=2024-08-04&se=2027-01-01T00%3A00%3A00Z&sr=b&sp=r&sig={m44}",
}

// shown once, made for one reader, but seen.
var personal = []string{
	"https://{h}/p/cp/{x16}/c?mi_u={m24}", "https://em.realtime.example/service/rte?cid={d7}&u={m22}", "https://timer.{h}/countdown/{x24}.gif?u={m16}",
	"https://li.{h}/imp?s={d6}&e={m22}&layout=banner",
}

func (k maker) image(u, attrs string) string {
	return `<img src="` + html.EscapeString(u) + `" ` + attrs + `>`
}

// letter makes message n of the set.
func newLetter(n int) *letter {
	k := maker{rand.New(rand.NewPCG(uint64(n), 42))}
	l := &letter{truth: map[string]truth{}, me: fmt.Sprintf("reader%d.%s@mail.example", n, k.run("abcdefghij", 5))}
	host := k.pick("mail", "news", "links", "e", "go") + ".shop" + strconv.Itoa(n%97) + ".example"
	acc := k.run(hexes, 25)
	var rows []string
	put := func(t truth, u, markup string) {
		l.truth[u] = t
		rows = append(rows, markup)
	}
	fill := func(p string) string { return k.fill(strings.ReplaceAll(p, "{acc}", acc), host, l.me) }
	token := k.run(mixeds, 24)
	link := func(inner string) string {
		return `<a href="https://` + host + `/c/` + token + `/` + strconv.Itoa(k.IntN(99)) + `">` + inner + `</a>`
	}
	for range 2 + k.IntN(6) {
		u := fill(shown[k.IntN(len(shown))])
		m := k.image(u, k.pick(`width="600" alt="Our offers"`, `width="600" height="300"`, `style="width:100%;max-width:600px" alt="x"`, `alt="Shoes"`, `width="24" height="24" alt="f"`))
		if k.IntN(2) == 0 {
			m = link(m)
		}
		put(ordinary, u, m)
	}
	k.decor(fill, put)
	if k.IntN(2) == 0 {
		lure := lures[k.IntN(len(lures))]
		u := fill(lure[0])
		put(ordinary, u, k.image(u, lure[1]))
	}
	if k.IntN(6) == 0 { // made for one reader, without a size, and seen
		u := fill(k.pick("https://{h}/qr/{m30}", "https://tickets.{h}/barcode/{d13}.png", "https://{h}/render/{x24}?variant=b"))
		put(content, u, k.image(u, `alt="Your code"`))
	}
	if k.IntN(3) == 0 {
		u := fill(signed[k.IntN(len(signed))])
		put(ordinary, u, k.image(u, k.pick(`width="600"`, `alt="Hero"`, `width="300" height="200"`)))
	}
	if k.IntN(6) == 0 {
		u := fill(personal[k.IntN(len(personal))])
		put(content, u, k.image(u, `width="600" height="120" alt="For you"`))
	}
	for range k.IntN(4) {
		rows = append(rows, "<p>"+link("Read on")+" "+k.run("abcdefgh ", 80)+"</p>")
	}
	if k.IntN(8) != 0 {
		k.counter(l, fill, host, token, put)
	}
	l.html = k.layout(rows)
	return l
}

// decor adds what holds the layout: spacers, swaps, rules, backgrounds, fonts.
func (k maker) decor(fill func(string) string, put func(truth, string, string)) {
	if k.IntN(2) == 0 { // one spacer, many times
		u := fill(k.pick("https://cdn.{h}/images/spacer.gif", "https://img.{h}/{acc}/t.gif", "https://{h}/pixel.gif", "https://static.{h}/{x32}/blank.gif?v=3"))
		m := k.image(u, k.pick(`width="1" height="1" alt=""`, `width="1" height="20"`, `height="1" width="1" style="display:block"`))
		put(ordinary, u, strings.Repeat("<td>"+m+"</td>", 3+k.IntN(40)))
	}
	if k.IntN(4) == 0 { // a spacer used once
		u := fill(k.pick("https://cdn.{h}/images/spacer.gif?v=2", "https://mcusercontent.com/{acc}/images/clear.gif", "https://{h}/assets/{x16}/transparent.png", "https://i.{h}/1x1.gif"))
		put(ordinary, u, k.image(u, `width="1" height="1" alt=""`))
	}
	if k.IntN(4) == 0 { // one picture for phones, one for the desk
		u := fill(k.pick("https://cdn.{h}/{acc}/images/hero-mobile-{x12}.jpg", "https://images.{h}/{u}.png", "https://d{a13}.cloudfront.net/{x32}.png"))
		put(ordinary, u, k.pick(
			k.image(u, `width="320" style="display:none" class="mobile"`), `<div style="display:none;max-height:0;overflow:hidden">`+k.image(u, `width="320" height="200"`)+`</div>`,
			`<!--[if !mso]><!-->`+k.image(u, `width="320" style="display:none;mso-hide:all"`)+`<!--<![endif]-->`))
	}
	if k.IntN(4) == 0 {
		u := fill("https://cdn.{h}/images/rule.gif")
		put(ordinary, u, k.image(u, `width="600" height="1"`))
	}
	if k.IntN(4) == 0 {
		u := fill(k.pick("https://cdn.{h}/{acc}/images/bg-{x8}.jpg", "https://images.{h}/{u}.jpg"))
		put(ordinary, u, `<td background="`+u+`" style="background-image:url('`+u+`')">x</td>`)
	}
	if k.IntN(4) == 0 {
		u := fill("https://fonts.{h}/s/inter/v13/{m40}.woff2")
		put(ordinary, u, `<style>@font-face{font-family:I;src:url(`+u+`) format("woff2")}</style>`)
	}
}

// lures look like counters in one way and are none.
var lures = [][2]string{
	{"https://cdn.{h}/images/track-order.png", `width="24" height="24" alt="Track your order"`},
	{"https://{h}/tracking/icon-{x8}.png", `alt="Follow the parcel"`},
	{"https://secure.gravatar.com/avatar/{x32}?s=48&d=mm", `width="48" height="48"`},
	{"https://userimg.{h}/{u}.png", `alt="Autumn"`},
	{"https://d{a13}.cloudfront.net/{x24}/poweredby.png", `alt="Powered by Mailer"`},
	{"https://cdn.{h}/{acc}/{u}.gif", `width="600" alt="Moving boots"`},
	{"https://img.{h}/open/graph/{x32}.jpg", `width="560"`},
	{"https://media.{h}/media/pixel-phone-{d6}.jpg", `width="280" alt="A phone"`},
	{"https://cdn.{h}/resize/?url=https%3A%2F%2Fshop.example%2Fp%2F{d8}.jpg&w=600", `width="600"`},
	{"https://{h}/assets/images/email/open-envelope.gif", `width="1" height="1"`},
	{"https://cdn.{h}/{acc}/uploads/{u}/spacer.png", `width="1" height="12"`},
	{"https://i.{h}/img/shim.gif?w=1&h=1", `width="1" height="1"`},
	{"https://maps.{h}/staticmap?center=52.5200,13.4050&zoom=14&size=600x300", `width="600" height="300"`},
	{"https://img.youtube.com/vi/{m11}/hqdefault.jpg", `width="480" alt="Film"`},
	{"https://cdn.{h}/emoji/1f6{x2}.png", `class="e" alt="x"`},
	{"https://static.{h}/static/{x40}/logo-dark.svg", `style="display:none" width="120"`},
}

// counter adds the sender's counter, sometimes two services'.
func (k maker) counter(l *letter, fill func(string) string, host, token string, put func(truth, string, string)) {
	for n := range 1 + k.IntN(8)/7 {
		shape := shapes[k.IntN(len(shapes))]
		l.vendor = shape[0]
		mail := k.pick(url.QueryEscape(l.me), hex.EncodeToString([]byte(l.me)), k.run(mixeds, 22), k.run(tens, 8))
		u := k.fill(shape[1], host, mail)
		if k.IntN(20) == 0 {
			u = k.proxied(u)
		}
		switch k.IntN(20) {
		case 0: // no size, at the very end
			put(tracker, u, lastly+k.image(u, `alt=""`))
		case 1: // the mailing's token, in links too
			u = "https://" + host + "/i/" + token + []string{"", "?2"}[n]
			put(tracker, u, lastly+k.image(u, ""))
		default:
			put(tracker, u, k.hide(u))
		}
	}
}

// lastly marks what belongs at the end of the body.
const lastly = "\x00"

func (k maker) layout(rows []string) string {
	head := `<html><head><style>.oc{width:1px;height:1px} .mobile{color:#333}</style></head><body>`
	var body, end strings.Builder
	k.Shuffle(len(rows), func(i, j int) {
		if !strings.HasPrefix(rows[i], lastly) && !strings.HasPrefix(rows[j], lastly) {
			rows[i], rows[j] = rows[j], rows[i]
		}
	})
	open, shut := "<tr><td>", "</td></tr>\r\n"
	switch k.IntN(4) {
	case 0:
		open, shut = "<div>", "</div>\n"
	case 1:
		open, shut = "<table><tr>\n<td class=\"w\">", "</td></tr></table>"
	case 2:
		open, shut = `<center><div style="max-width:600px">`, "</div></center>"
	}
	for _, r := range rows {
		if rest, ok := strings.CutPrefix(r, lastly); ok {
			end.WriteString(rest)
			continue
		}
		body.WriteString(open + r + shut)
	}
	return head + `<table width="600">` + body.String() + "<p>You get this because you asked for it. Shop, 1 Main Street.</p></table>" + end.String() + "</body></html>"
}
