package score_test

import (
	"net/textproto"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/detect/intake"
	"github.com/quench-proxy/quench/internal/detect/score"
)

const (
	page = "https://shop.example/shoes"
	id   = "0a1b2c3d-4e5f-4071-8293-a4b5c6d7e8f9"
)

func ask(ty detect.Type, method, url, body string, lines ...string) *detect.Request {
	h := textproto.MIMEHeader{"Referer": {page}}
	for _, l := range lines {
		name, value, _ := strings.Cut(l, ": ")
		h.Set(name, value)
	}
	r := intake.Request(method, url, h)
	r.Type, r.Body = ty, []byte(body)
	return &r
}

func get(url string, lines ...string) *detect.Request {
	return ask(detect.TypeImage, "GET", url, "", lines...)
}

func TestWorth(t *testing.T) {
	t.Parallel()
	const url = "https://t.example/p?uid=" + id
	for _, tt := range []struct {
		name string
		r    *detect.Request
		want bool
	}{
		{"image", get(url), true},
		{"call", ask(detect.TypeXHR, "GET", url, ""), true},
		{"ping", ask(detect.TypePing, "POST", "https://t.example/p", "x"), true},
		{"cookie", get("https://t.example/p", "Cookie: a=b"), true},
		{"token in the path", get("https://t.example/a1b2c3d4e5f6g7/x"), true},
		{"parameters in the path", get("https://t.example/5/c=1/b=2"), true},
		{"nothing in it", get("https://t.example/a/b.png"), false},
		{"first party", get("https://cdn.shop.example/p?uid=" + id), false},
		{"script", ask(detect.TypeScript, "GET", url, ""), false},
		{"document", ask(detect.TypeDocument, "GET", url, ""), false},
		{"frame", ask(detect.TypeSubdocument, "GET", url, ""), false},
		{"style", ask(detect.TypeStylesheet, "GET", url, ""), false},
		{"font", ask(detect.TypeFont, "GET", url, ""), false},
		{"film", ask(detect.TypeMedia, "GET", url, ""), false},
		{"web socket", ask(detect.TypeWebSocket, "GET", url, ""), false},
		{"asked for by nobody", &detect.Request{URL: url, Host: "t.example", Site: detect.ThirdParty, Type: detect.TypeImage}, false},
	} {
		if got := score.Worth(tt.r); got != tt.want {
			t.Errorf("%s: Worth = %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestEachSign(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		r    *detect.Request
		want string // one of the reasons, "" for none but those of every image
	}{
		{"page", get("https://t.example/x?u=https%3A%2F%2Fshop.example%2Fa"), "says which page you are on"},
		{"page by its host", get("https://t.example/x?h=shop.example"), "says which page you are on"},
		{"page in base64", get("https://t.example/x?zz=aHR0cHM6Ly9zaG9wLmV4YW1wbGUvYQ"), "says which page you are on"},
		{"another page", get("https://t.example/x?u=https%3A%2F%2Fother.example%2Fa"), ""},
		{"referrer", get("https://t.example/x?dr=https%3A%2F%2Fnews.example%2F"), "says which page you came from"},
		{"traits", get("https://t.example/x?sr=1920x1080&ul=de-DE"), "sends traits of your screen, language, time zone or page title"},
		{"one trait", get("https://t.example/x?ul=de-DE"), ""},
		{"a picture's size", get("https://t.example/x?w=1920&h=1080&dpr=2&lang=de"), ""},
		{"e-mail", get("https://t.example/x?em=b4c9a289323b21a01c3e940f150eb9b8c542587f1abfd8f0e1cc1ffc5e475514"), "carries a fingerprint as of an e-mail address or telephone number"},
		{"e-mail under brackets", get("https://t.example/x?ud%5Bem%5D=b4c9a289323b21a01c3e940f150eb9b8"), "carries a fingerprint as of an e-mail address or telephone number"},
		{"visitor", get("https://t.example/x?uid=" + id), "carries a number for this browser or visit"},
		{"a _ga value under any name", get("https://t.example/x?zz=1234567890.1741737600"), "carries a number for this browser or visit"},
		{"signed picture", get("https://t.example/x?sig=0a1b2c3d4e5f60718293a4b5c6d7e8f9&expires=1763805600"), ""},
		{"buster", get("https://t.example/x?rnd=0.7295099082538761"), "carries a number only so that no cache answers"},
		{"event", get("https://t.example/x?zz=PageView"), "names something you did"},
		{"order", get("https://t.example/x?orderid=A-1001"), "tells what was ordered or paid"},
		{"consent", get("https://t.example/x?gdpr_consent=CPabc"), "says what you agreed to"},
		{"cookie", get("https://t.example/x", "Cookie: a=1; u="+id), "sends its own cookie with a number for this browser"},
		{"cookie of a session", get("https://t.example/x", "Cookie: PHPSESSID="+id+"; csrf="+id), ""},
		{"word of the host", get("https://pixel.t.example/x?a=1"), "its address has a word that trackers use"},
		{"word of the path", get("https://t.example/x/collect?a=1"), "its address has a word that trackers use"},
		{"a word within a random text", get("https://t.example/Ab-track-cD/x?a=1"), ""},
		{"comparing numbers", get("https://t.example/usersync?uid=" + id), "asks to compare numbers with another company"},
		{"JSON", ask(detect.TypeXHR, "POST", "https://t.example/x", `{"a":[1],"user":{"visitor_id":"`+id+`"}}`), "carries a number for this browser or visit"},
		{"JSON in JSON", ask(detect.TypeXHR, "POST", "https://t.example/x", `{"a":"{\"visitor_id\":\"`+id+`\"}"}`), "carries a number for this browser or visit"},
		{"plain text", ask(detect.TypeXHR, "POST", "https://t.example/x", "x", "Content-Type: text/plain;charset=UTF-8"), "sent as plain text, as reports are"},
		{"form", ask(detect.TypePing, "POST", "https://t.example/x", "a=1&visitor_id="+id), "carries a number for this browser or visit"},
		{"several forms", ask(detect.TypePing, "POST", "https://t.example/x", "a=1&b=2\nvisitor_id="+id), "carries a number for this browser or visit"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var reasons []string
			for _, why := range score.Of(tt.r).Reasons() {
				switch why {
				case "third party", "an image that carries data", "asks for an image of no name and no size":
				default:
					reasons = append(reasons, why)
				}
			}
			if got := strings.Join(reasons, "; "); tt.want == "" && got != "" || !strings.Contains(got, tt.want) {
				t.Errorf("reasons %q, want %q", got, tt.want)
			}
		})
	}
}

// TestRemembered: what only memory shows.
func TestRemembered(t *testing.T) {
	t.Parallel()
	key := &detect.PastKey{7}
	sum := key.Sum(detect.PastID, []byte(id), nil, nil)
	r := get("https://t.example/x?zz=" + id)
	for _, tt := range []struct {
		name, want string
		past       *detect.Past
	}{
		{"the site's own number", "carries the number that the site's own cookie holds", &detect.Past{Site: []uint64{1, sum}}},
		{"another's number", "carries the number that another company uses for you", &detect.Past{Others: []detect.ForeignID{{Sum: sum, Owner: "a.example"}}}},
		{"its own number", "", &detect.Past{Others: []detect.ForeignID{{Sum: sum, Owner: "t.example"}}}},
		{"seen elsewhere", "carried the same number on another site", &detect.Past{World: &detect.World{
			Crossed: map[uint64]struct{}{key.Sum(detect.PastCross, []byte("t.example"), []byte("zz"), []byte(id)): {}}}}},
		{"the host", "did the same on three sites or more", &detect.Past{World: &detect.World{
			Hosts: map[uint64]detect.HostTraits{key.Sum(detect.PastHost, []byte("t.example"), nil, nil): detect.HostTracks}}}},
		{"a name that takes any value", "", &detect.Past{Site: []uint64{sum}, World: &detect.World{
			Varies: map[uint64]struct{}{key.Sum(detect.PastName, []byte("t.example"), []byte("zz"), nil): {}}}}},
	} {
		q := *r
		tt.past.Key = key
		q.Past = tt.past
		got := strings.Join(score.Of(&q).Reasons(), "; ")
		base := strings.Join(score.Of(r).Reasons(), "; ")
		if tt.want == "" && got != base || !strings.Contains(got, tt.want) {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
	q := *r
	q.Past = &detect.Past{Key: key, Others: []detect.ForeignID{{Sum: sum, Owner: "a.example"}}}
	if got := score.Partner(&q); got != "a.example" {
		t.Errorf("Partner = %q, want a.example", got)
	}
}

// TestEvidenceAddsUp: the points in the evidence are the score.
func TestEvidenceAddsUp(t *testing.T) {
	t.Parallel()
	res := score.Of(get("https://pixel.t.example/collect.gif?uid="+id+"&ev=PageView&sr=1920x1080&ul=de&rnd=123456", "Cookie: u="+id))
	var got []string
	for _, e := range res.Evidence() {
		got = append(got, e.Kind+": "+e.Detail)
		if strings.Contains(e.Detail, id) {
			t.Errorf("evidence holds a value of the request: %s", e.Detail)
		}
	}
	want := []string{
		"heuristic: sends its own cookie with a number for this browser (+3)",
		"heuristic: sends traits of your screen, language, time zone or page title (+3)",
		"heuristic: names something you did (+3)",
		"heuristic: carries a number for this browser or visit (+3)",
		"heuristic: third party (+2)",
		"heuristic: its address has a word that trackers use (+2)",
		"heuristic: an image that carries data (+1)",
		"heuristic: asks for an image of no name and no size (+1)",
		"heuristic: carries a number only so that no cache answers (+1)",
		"heuristic: its address has a second such word (+1)",
		"heuristic: asks for a GIF with data in its address (+1)",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if res.Points != 21 {
		t.Errorf("%d points, want 21", res.Points)
	}
}

func TestMask(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ in, want string }{
		{"uid=" + id + "&w=320", "uid=00000000-0000-0000-0000-000000000000&w=320"},
		{"cid=1234567890.1741737600", "cid=0000000000.0000000000"},
		{"zz=%7B%22uid%22%3A%22" + id + "%22%7D", "zz=%7B%22uid%22%3A%2200000000-0000-0000-0000-000000000000%22%7D"},
		{"zz=0a1b2c3d%34e5f6071", "zz=00000000%300000000"},                                                                     // an escape hides nothing
		{"id=123456789012345&ev=PageView", "id=123456789012345&ev=PageView"},                                                   // the account: without it nobody answers
		{"sig=0a1b2c3d4e5f60718293a4b5c6d7e8f9&expires=1763805600", "sig=0a1b2c3d4e5f60718293a4b5c6d7e8f9&expires=1763805600"}, // a signature
		{"url=https%3A%2F%2Fshop.example%2F" + id, "url=https%3A%2F%2Fshop.example%2F" + id},
		{"q=red+shoes&page=3", "q=red+shoes&page=3"},
		{"", ""},
	} {
		got, changed := score.Mask(tt.in)
		if got != tt.want || changed != (tt.in != tt.want) {
			t.Errorf("Mask(%q) = %q, %v, want %q", tt.in, got, changed, tt.want)
		}
	}
}

func TestLongLived(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		field string
		want  bool
	}{
		{"uid=" + id + "; Max-Age=31536000; Path=/", true},
		{"uid=" + id + "; Max-Age=3600", false},
		{"uid=" + id + "; Max-Age=99999999999999999999", true},
		{"uid=" + id + "; Max-Age=-1", false},
		{"uid=" + id, false},
		{"lang=de; Max-Age=31536000", false},
		{"PHPSESSID=" + id + "; Max-Age=31536000", false},
		{"", false},
	} {
		if got := score.LongLived(tt.field); got != tt.want {
			t.Errorf("LongLived(%q) = %v, want %v", tt.field, got, tt.want)
		}
	}
}

// TestBounds: what is too much is not looked at, and costs nothing.
func TestBounds(t *testing.T) {
	t.Parallel()
	many := strings.Repeat("a=1&", 10_000) + "uid=" + id
	if got := strings.Join(score.Of(get("https://t.example/x?"+many)).Reasons(), ";"); strings.Contains(got, "number for this browser") {
		t.Errorf("a parameter past the bound was read: %s", got)
	}
	if ids := score.IDs(get("https://t.example/x?" + strings.Repeat("uid="+id+"&", 500))); len(ids) > 24 {
		t.Errorf("%d identifiers, want at most 24", len(ids))
	}
	deep := `{"a":` + strings.Repeat(`{"b":"c",`, 1_000_000)
	score.Of(ask(detect.TypePing, "POST", "https://t.example/x", deep))
	if f := score.Fields(ask(detect.TypePing, "POST", "https://t.example/x", strings.Repeat(`"uid":"`+id+`",`, 9999))); len(f) > 32 {
		t.Errorf("%d fields, want at most 32", len(f))
	}
}

func TestNoAllocation(t *testing.T) {
	r := get("https://t.example/collect?v=2&cid=1234567890.1741737600&ul=de-de&sr=1920x1080&dl=https%3A%2F%2Fshop.example%2Fsale&en=page_view", "Cookie: u="+id)
	if n := testing.AllocsPerRun(100, func() {
		if score.Worth(r) {
			score.Of(r)
		}
	}); n != 0 {
		t.Errorf("a score allocates %v times, want 0", n)
	}
}

// FuzzOf: any request gets the same score twice, every point of it is in the
// evidence, and a masked query is as long as before and has no identifier left
// that a second look would mask.
func FuzzOf(f *testing.F) {
	f.Add("https://t.example/5/c=1/b=2?uid="+id+"&u=https%3A%2F%2Fshop.example", "u="+id, `{"a":"{\"b\":\"c\"}"}`)
	f.Add("https://pixel.t.example/a.gif?%&=&;=;a%5Bem%5D=%zz", "=;a=;;b", "a=1\nb=2")
	f.Add("//t.example/$UID?r={{x}}&h=shop.example", "", `["a",{"b":-1.5,`)
	f.Fuzz(func(t *testing.T, url, cookie, body string) {
		for _, ty := range []detect.Type{detect.TypeImage, detect.TypeXHR} {
			r := ask(ty, "POST", url, body, "Cookie: "+cookie)
			r.Site = detect.ThirdParty
			if !score.Worth(r) {
				continue
			}
			res := score.Of(r)
			if again := score.Of(r); again != res {
				t.Errorf("two scores of one request: %+v, %+v", res, again)
			}
			if len(res.Evidence()) == 0 || len(res.Reasons()) > len(res.Evidence()) {
				t.Errorf("%d points, %d pieces of evidence", res.Points, len(res.Evidence()))
			}
			score.Fields(r)
			score.IDs(r)
		}
		_, query := detect.Split(url)
		masked, _ := score.Mask(query)
		if len(masked) != len(query) {
			t.Errorf("Mask(%q) = %q, of another length", query, masked)
		}
		if again, changed := score.Mask(masked); changed && again != masked {
			t.Errorf("Mask(%q) = %q, which is masked again to %q", query, masked, again)
		}
	})
}

// TestFields: what was told, and no number of a visit, which may be a login.
func TestFields(t *testing.T) {
	t.Parallel()
	got := map[string]string{}
	for _, f := range score.Fields(get("https://t.example/x?uid="+id+"&sessionid=0a1b2c3d4e5f60718293a4b5c6d7e8f9&sr=1920x1080&ul=de-DE&tz=-60&dt=Red+shoes&dr=https%3A%2F%2Fnews.example%2F&u=https%3A%2F%2Fshop.example%2Fa&em=b4c9a289323b21a01c3e940f150eb9b8",
		"Cookie: u="+id)) {
		got[f.Name] = f.Value
	}
	want := map[string]string{"visitor_id": id, "session_id": "…", "screen": "1920x1080", "language": "de-DE", "timezone": "-60", "page_title": "Red shoes",
		"referrer": "https://news.example/", "page_url": "https://shop.example/a", "email_hash": "b4c9a289323b21a01c3e940f150eb9b8", "tp_cookie": "…"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// TestFieldsOfThePerson: who one is, in clear or not, wherever it stood; what is
// secret is named and left out.
func TestFieldsOfThePerson(t *testing.T) {
	t.Parallel()
	sha := "79a6123c2db3b110c92f2872d217545dfc5ff5147bbdd47e67e72f223747a538"
	tests := []struct {
		query string
		want  map[string]string
	}{
		{"q1=ada%40mail.example", map[string]string{"email_plain": "ada@mail.example"}},
		{"user_email=" + sha, map[string]string{"email_hash": sha}},
		{"phone=%2B49+151+1234567", map[string]string{"phone_plain": "+49 151 1234567"}},
		{"phone=" + sha, map[string]string{"phone_hash": sha}},
		{"password=hunter2&x=1", map[string]string{"form_data": "…"}},
		{"card_number=4111111111111111", map[string]string{"form_data": "…"}},
		{"to=ada%40mail&who=%40ada&mail=a%40b%40c.example&t=a@b.c", nil},
		{"phone=123&tel=12345678901234567", nil},
	}
	for _, tt := range tests {
		got := map[string]string{}
		for _, f := range score.Fields(get("https://t.example/x?" + tt.query)) {
			if f.Name != "visitor_id" {
				got[f.Name] = f.Value
			}
		}
		if diff := cmp.Diff(tt.want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s: -want +got\n%s", tt.query, diff)
		}
	}
	post := ask(detect.TypeXHR, "POST", "https://t.example/x", `{"user":{"email":"ada@mail.example","pwd":"hunter2"}}`)
	var names []string
	for _, f := range score.Fields(post) {
		names = append(names, f.Name)
	}
	if diff := cmp.Diff([]string{"email_plain", "form_data"}, names); diff != "" {
		t.Errorf("a body in JSON: -want +got\n%s", diff)
	}
}
