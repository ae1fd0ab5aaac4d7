package score

import "bytes"

// class says what a name of a parameter means.
type class uint8

const (
	classPlain class = iota
	classVisitor
	classHashed
	classScreen
	classLanguage
	classZone
	classDepth
	classView
	classTitle
	classPage
	classReferrer
	classBuster
	classConsent
	classSecret
	classEvent
	classOrder
	classMoney
	classAccount
	classSize // of a picture
	classFile // a version, signature or file's hash: tells nobody apart
)

// classOf says what a name means.
func classOf(k *name) class {
	if c, ok := byName[string(k.bytes())]; ok {
		return c
	}
	if k.tail > 0 && k.n-k.tail >= 2 { // WT.sr, aud[em], sha256_eml
		if c, ok := byName[string(k.buf[k.tail:k.n])]; ok && c != classFile && c != classBuster {
			return c
		}
	}
	switch {
	case k.n < 4:
		return classPlain
	case k.ends("signature"), k.ends("token"), k.ends("nonce"), k.ends("password"), k.ends("secret"), k.ends("apikey"):
		return classSecret
	case k.ends("visitorid"), k.ends("clientid"), k.ends("deviceid"), k.ends("userid"), k.ends("uuid"), k.ends("uid"),
		k.ends("anonymousid"), k.ends("cookieid"), k.ends("browserid"), k.ends("sessionid"), k.ends("guid"),
		k.ends("fpc"), k.ends("fbp"), k.ends("ppid"):
		return classVisitor
	case k.ends("emailhash"), k.ends("hashedemail"), k.ends("emailmd5"), k.ends("emailsha256"), k.ends("emailsha1"), k.ends("hem"):
		return classHashed
	case k.ends("screenwidth"), k.ends("screenheight"), k.ends("resolution"):
		return classScreen
	case k.ends("language"), k.ends("locale"):
		return classLanguage
	case k.ends("timezone"), k.ends("timezoneoffset"), k.ends("tzoffset"), k.ends("timeoffset"):
		return classZone
	case k.ends("colordepth"), k.ends("pixelratio"):
		return classDepth
	case k.ends("viewportwidth"), k.ends("viewportheight"), k.ends("innerwidth"), k.ends("innerheight"):
		return classView
	case k.ends("pageurl"), k.ends("documenturl"), k.ends("locationhref"):
		return classPage
	case k.ends("referrer"), k.ends("referer"), k.ends("referringurl"):
		return classReferrer
	case k.ends("pagetitle"):
		return classTitle
	case k.ends("event"), k.ends("eventname"), k.ends("eventtype"), k.ends("conversiontype"):
		return classEvent
	case k.ends("orderid"), k.ends("transactionid"), k.ends("purchaseid"):
		return classOrder
	case k.ends("revenue"), k.ends("currency"), k.ends("currencycode"):
		return classMoney
	case k.ends("accountid"), k.ends("pixelid"), k.ends("siteid"), k.ends("tagid"), k.ends("advertiserid"):
		return classAccount
	}
	return classPlain
}

// byName says what names mean, in the form that name has: lower case letters
// and digits only. It does not change.
var byName = tabled(map[class]string{
	classVisitor: `uid uuid cid vid did puid tpid tpuid tpcid dpuuid suid tuid buid euid xuid huid fpid fpc fbp fbc ga gid auid guid muid
		mid dmid ecid mcid idfa gaid ifa aaid rdid visitor visitorid visid clientid userid usr deviceid device devid
		anonymousid anonid distinctid cookieid cookie bid browserid sid sess ssid sessid sessionid session ses vsid pvid pageviewid viewid
		pageid visitid visit externaluid partneruid extuid extid externalid externaluserid partneruserid uu uidd
		hid hitid impid impressionid eid eventid ttp ttclid scid utma lid vuid duid nuid tntid mbox mboxpc mboxsession personid
		profileid subscriberid contactid utk jid gjid yclid ymuid uaid zuid pcid ckid unruhid fingerprint fp`,
	classHashed: `em email hem eml ph phone ud emailhash hashedemail md5 sha256 sha1 he hemail mail uem hp emh emailsha256 emailmd5 md5email
		sha256email pdem ehash useremail userdata em0 emsha256 phsha256 phonenumber emv`,
	classScreen: `sr res screen resolution screenresolution sw sh swidth sheight screenwidth screenheight scr scrw scrh uw uh scrxy screensize
		scwidth scheight sres displayresolution utmsr monitor ds scrsize scrwh sdim`,
	classLanguage: `ul lang language ln la hl lg lng locale userlanguage browserlanguage utmul blang culture languages lc`,
	classZone:     `tz tzo tzoffset timezone timezoneoffset tmz offset utcoffset gmtoffset timeoffset zone tzname timeoffsetinminutes`,
	classDepth:    `cd colordepth sd depth colors bits bpp utmsc screencolordepth pxratio devicepixelratio pixelratio sc`,
	classView: `vp viewport vpw vph bw bh ww wh iw ih cw ch innerwidth innerheight browserwidth browserheight viewportwidth viewportheight
		utmvp viewportsize vpsize vs bs windowsize clientwidth docheight dw dh wd winsize`,
	classTitle: `dt title pagetitle documenttitle tt tiba pagename ptitle utmdt doctitle pgtitle contenttitle`,
	classPage: `dl url u page pageurl loc location href documenturl docurl docloc pg pu curl pl purl utmp utmhn dp path p h host hostname
		domain d durl tagurl currenturl pagepath uri hn site g ourl toppage topurl lp landingpage clickurl wu iu origin`,
	classReferrer: `dr ref referrer referer rf rl urlref r refurl referrerurl referringurl httpreferer pref documentreferrer prev reff refr rfr
		rurl utmr su dref pagereferrer`,
	classBuster: `cb rnd ord z ts bust random rand cachebuster cachebust nocache nc t tm rn cachebreaker correlator time timestamp now cbust
		rd noc utmn seq ck`,
	classConsent: `gdpr gdprconsent gdprapplies gdprpd usprivacy gpp gppsid gcs gcd npa addtlconsent euconsent tcf tcfstring consentstring
		dma usp gdprstatus coppa lmt consents consent`,
	classEvent: `ev en event evt eventname eventtype eventaction eventcategory ea ec events evts tevent action actionname conversion goal
		trigger pixelevent`,
	classOrder: `orderid oid order transactionid transaction ti orderno ordernumber purchaseid txnid basketid`,
	classMoney: `revenue currency cur cu currencycode ordervalue cartvalue amount total tr subtotal conversionvalue`,
	classAccount: `id pid aid tid siteid idsite accountid account acct pixelid pixel tagid tag advertiserid advertisereid adv advid nid
		partner partnerid pm a client website propertyid wsid containerid writekey sentrykey blog plid c2 party advertisable pubid publisher
		publisherid networkid campaignid campaign customerid merchantid merchant shopid storeid app tagname trackingid dcid
		monitoringkey project o`,
	classSize: `w width height size sz s resize fit crop format quality q dpi maxwidth maxheight imwidth mw zc chs scale thumb dpr auto`,
	classSecret: `token auth authtoken accesstoken idtoken jwt csrf xsrf csrftoken xsrftoken nonce sig signature password pass pwd code state
		secret apikey key akey appkey accesskey xamzsignature xamzcredential xamzsecuritytoken xamzdate xgoogsignature xgoogcredential
		policy keypairid expires exp hmac challenge verifier codechallenge otp captcha response sitekey publishablekey`,
	classFile: `v ver version build rev revision hash checksum digest etag asset file fileid filename src image img imageid photo photoid
		thumbnail chunk manifest sku productid product productids item itemid items articleid article postid video videoid playlist track
		trackid album song isbn ean gtin query search term keyword keywords lat lon place placeid bbox ll center zoom tile layer style
		family text appid applicationid projectid orgid tenantid workspaceid spaceid modelid deploymentid commit sha release`,
})

// tabled turns lists of names around.
func tabled(lists map[class]string) map[string]class {
	out := map[string]class{}
	for c, names := range lists {
		for _, n := range bytes.Fields([]byte(names)) {
			out[string(n)] = c
		}
	}
	return out
}

// eventWords are values that name what somebody did.
var eventWords = set(`pageview page_view page-view pageviews viewcontent view_content view_item view_item_list viewitem addtocart add_to_cart
	purchase purchases conversion impression viewthrough checkout begin_checkout initiatecheckout lead completeregistration complete_registration
	sign_up session_start user_engagement first_visit heartbeat identify pageload page_load pagevisit page_visit pagevisited pixel beacon
	addpaymentinfo productview product_view viewproduct transaction trackconversion pageviewevent userinteraction rum video_start scroll_depth
	page visit hit unload pagehide viewpage view_page view-page content_view productdetail productsearch unsubscribe subscribe newsletter custom
	add-to-cart addshoppingcart addtoshoppingcart offamazonpurchases viewhomepage viewbasket viewlist tracktransaction pagetag page_visited
	$pageview $identify $autocapture $pageleave engagement click outbound viewed trackevent track_event trackpageview`)

// pathWords are parts of a path or host that trackers use.
var pathWords = set(`pixel px pixels beacon beacons track tracking tracker trk collect collector telemetry metrics metric log logs imp impression
	impressions conv conversion conversions sync usersync cookiesync match usermatch cm setuid idsync getuid 1x1 clear spacer utm
	event events pageview hit hits open opens ping pings stat stats statistics analytics count counter rum tr visit visits retarget remarketing rt
	audience audiences seg segment segments insight insights attribution viewthrough trackpoint utag activity bcn pxl webtrends wt
	recorder rec recording replay session heatmap adserver ads ad adx bid dsp dmp rtb ssp ib engage ct hm psb piwik matomo mon otel trace e adsct
	fpc usersegment profile identity lead cs tap vis pv cookie cookiematch uid ids id5 dis dpm cdp crm onetag pagead ingest intake`)

// syncWords are those that mean comparing numbers.
var syncWords = set(`sync usersync cookiesync match usermatch cm setuid idsync getuid cookiematch csync pixelsync usync ups cms ecm3 cmf
	ibs tap pug ecm um mapuid xuid cksync userbind uidmatch syncd pixelmatch`)

func set(list string) map[string]struct{} {
	out := map[string]struct{}{}
	for _, w := range bytes.Fields([]byte(list)) {
		out[string(w)] = struct{}{}
	}
	return out
}

const maxWord = 24

// lower writes v in lower case into buf; nil if it is longer.
func lower(buf *[maxWord]byte, v []byte) []byte {
	if len(v) > maxWord {
		return nil
	}
	for i, c := range v {
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		buf[i] = c
	}
	return buf[:len(v)]
}

// isEvent reports whether a value names something that was done.
func isEvent(v []byte) bool {
	if len(v) < 3 {
		return false
	}
	var buf [maxWord]byte
	w := lower(&buf, v)
	_, ok := eventWords[string(w)]
	return ok
}
