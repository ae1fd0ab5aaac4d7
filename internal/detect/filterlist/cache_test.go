package filterlist_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/detect/filterlist"
	"github.com/quench-proxy/quench/internal/mapfile"
)

// variety has a rule of every sort.
const variety = `||ads.example^
||ads.example^$third-party,domain=a.com|~b.a.com|shop.*|/^p[0-9]/
@@||ads.example^$script,important
/banner*/x^$image
|https://t.|$match-case
/^https?:\/\/[a-z]+\.bid\//
/[0-9]+ads[0-9]+/$xhr
||r.example^$redirect=noop.js:5
||r.example^$redirect-rule=1x1.gif
*$removeparam=utm_x
||q.example^$removeparam=/^fb/i
||c.example^$csp=default-src 'none'
@@||page.example^$document
@@||page.example^$genericblock
||d.example^$dnstype=A,client=192.0.2.0/24,ctag=device_pc
||e.example^$dnsrewrite=192.0.2.1
*$script,domain=only.example,denyallow=x.com,to=y.com
||h.example^$header=via:/x/
||bad.example^
||bad.example^$badfilter
_
`

func varied(t testing.TB) *filterlist.Set {
	t.Helper()
	set, _ := filterlist.Compile([]filterlist.Source{
		{Name: "one", Text: []byte(variety), Format: filterlist.FormatAdblock},
		{Name: "hosts", Text: []byte("0.0.0.0 ads.example\n0.0.0.0 host.example\n"), Format: filterlist.FormatHosts},
	}, filterlist.Options{Seed: 3})
	return set
}

func saved(t testing.TB, s *filterlist.Set, key filterlist.Key) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := s.Save(&b, key); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestCacheAnswersAlike: an opened Set says all that the compiled one says, and
// is saved as the same bytes again.
func TestCacheAnswersAlike(t *testing.T) {
	t.Parallel()
	key := filterlist.Key{1, 2, 3}
	set, _ := filterlist.Compile(dataSources(t, append(easy, "filter/ubo-filters.txt", "filter/ubo-privacy.txt", "filter/ubo-unbreak.txt")...), filterlist.Options{})
	path := filepath.Join(t.TempDir(), "cache")
	want := saved(t, set, key)
	if err := os.WriteFile(path, want, 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := mapfile.Open(path, 1<<30)
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	opened, err := filterlist.Open(file.Bytes(), key, file)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d rules, %d bytes, opened in %v", opened.Len(), len(want), time.Since(start))
	if !bytes.Equal(saved(t, opened, key), want) {
		t.Error("saved again it is not the same")
	}
	if opened.Len() != set.Len() || opened.Lists() != set.Lists() {
		t.Errorf("%d rules, %d lists; want %d, %d", opened.Len(), opened.Lists(), set.Len(), set.Lists())
	}
	reqs, on := dataRequests(t), allLists(5)
	for i := 0; i < len(reqs); i += 7 {
		r := &reqs[i]
		a, b := set.Match(r, on, filterlist.Want{Exceptions: true}), opened.Match(r, on, filterlist.Want{Exceptions: true})
		if a != b || set.Info(a.Block) != opened.Info(b.Block) || set.Info(a.Exception) != opened.Info(b.Exception) {
			t.Fatalf("%s: %+v, want %+v", r.URL, b, a)
		}
		q := detect.HostQuestion{Host: r.Host}
		if a, b := set.Host(&q, on), opened.Host(&q, on); a != b {
			t.Fatalf("%s: %+v, want %+v", r.Host, b, a)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	key := filterlist.Key{7}
	good := saved(t, varied(t), key)
	if _, err := filterlist.Open(good, key, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := filterlist.Open(good, filterlist.Key{8}, nil); !errors.Is(err, filterlist.ErrCacheKey) {
		t.Errorf("another key: %v", err)
	}
	version := bytes.Clone(good)
	version[8]++
	for name, data := range map[string][]byte{"nothing": nil, "text": []byte("! a list\n"), "another version": version} {
		if _, err := filterlist.Open(data, key, nil); !errors.Is(err, filterlist.ErrCacheFormat) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for cut := range len(good) {
		if _, err := filterlist.Open(good[:cut], key, nil); err == nil {
			t.Fatalf("opened %d of %d bytes", cut, len(good))
		}
	}
	for i := range good {
		bad := bytes.Clone(good)
		bad[i] ^= 1 << (i % 8)
		if _, err := filterlist.Open(bad, key, nil); err == nil {
			t.Fatalf("opened with byte %d changed", i)
		}
	}
}

func TestKeyOf(t *testing.T) {
	t.Parallel()
	a := filterlist.Source{Name: "a", Text: []byte("||a.example^\n")}
	other, hosts, env := a, a, a
	other.Text = []byte("||b.example^\n")
	hosts.Format = filterlist.FormatHosts
	env.Env = map[string]bool{"ext_x": true}
	seen := map[filterlist.Key]int{}
	for i, sources := range [][]filterlist.Source{nil, {a}, {a, a}, {other}, {hosts}, {env}} {
		key := filterlist.KeyOf(sources)
		if before, ok := seen[key]; ok {
			t.Errorf("sources %d and %d have one key", before, i)
		}
		seen[key] = i
		if filterlist.KeyOf(sources) != key {
			t.Errorf("sources %d have two keys", i)
		}
	}
}

// forge makes the checksum right again.
func forge(data []byte) {
	if len(data) > 16 {
		binary.LittleEndian.PutUint32(data[12:], crc32.Checksum(data[16:], crc32.MakeTable(crc32.Castagnoli)))
	}
}

// askAll puts every sort of question.
func askAll(s *filterlist.Set) {
	on := []uint64{3}
	for _, url := range []string{"https://x.ads.example/banner1/x?utm_x=1&fb=2", "https://t.example/12ads34", "wss://a.bid/", "https://r.example/",
		"https://c.example/?", "https://only.y.com/", "https://bad.example/_", "https://q.example/?fbid=1", ""} {
		for _, page := range []string{"https://page.example/", "https://shop.co.uk/", "https://p1.example/", "https://only.example/", ""} {
			for _, typ := range []detect.Type{detect.TypeScript, detect.TypeDocument, detect.TypeImage, detect.TypeXHR} {
				r := detect.Request{URL: url, Host: detect.HostOf(url), Page: page, PageFrom: detect.PageReferer, Type: typ}
				m := s.Match(&r, on, filterlist.Want{Exceptions: true, Response: header{"via": "x"}})
				for _, id := range []filterlist.RuleID{m.Block, m.Exception, m.Important, m.Redirect} {
					s.Info(id)
					s.ListOf(id)
				}
				s.Clean(url, s.Modifiers(&r, on, nil))
			}
		}
	}
	for _, host := range []string{"a.ads.example", "host.example", "d.example", "e.example", "x", ""} {
		q := detect.HostQuestion{Host: host, QType: 1, Client: "192.0.2.1", Tags: []string{"device_pc"}}
		s.Info(s.Host(&q, on).Block)
		s.Rewrites(&q, on, nil)
		s.Names(host, on)
	}
	for id := range filterlist.RuleID(300) {
		s.Info(id)
	}
}

// FuzzOpen changes a cache and makes its checksum right: whatever opens must
// answer every question without falling over.
func FuzzOpen(f *testing.F) {
	key := filterlist.Key{9}
	good := saved(f, varied(f), key)
	f.Add(uint32(0), []byte{}, uint32(0))
	f.Add(uint32(200), []byte{0xff, 0xff, 0xff, 0x7f}, uint32(0))
	f.Add(uint32(60), []byte{1}, uint32(64))
	f.Fuzz(func(t *testing.T, at uint32, patch []byte, cut uint32) {
		data := bytes.Clone(good)
		if n := int(at) % len(data); len(patch) > 0 {
			copy(data[n:], patch)
		}
		data = data[:len(data)-int(cut)%len(data)]
		forge(data)
		if s, err := filterlist.Open(data, key, nil); err == nil {
			askAll(s)
		}
	})
}

// TestOpenForged does what FuzzOpen does to every word of a cache.
func TestOpenForged(t *testing.T) {
	t.Parallel()
	key := filterlist.Key{9}
	good := saved(t, varied(t), key)
	opened := 0
	for at := 16; at+4 <= len(good); at += 4 {
		for _, v := range []uint32{0, 1, 0x7fffffff, 0xffffffff, uint32(at), binary.LittleEndian.Uint32(good[at:]) + 1} {
			data := bytes.Clone(good)
			binary.LittleEndian.PutUint32(data[at:], v)
			forge(data)
			if s, err := filterlist.Open(data, key, nil); err == nil {
				opened++
				if at%64 == 0 {
					askAll(s)
				}
			}
		}
	}
	t.Logf("%d forgeries opened", opened)
}

func BenchmarkOpen(b *testing.B) {
	set, _ := filterlist.Compile(dataSources(b, easy...), filterlist.Options{})
	data := saved(b, set, filterlist.Key{})
	b.SetBytes(int64(len(data)))
	b.ReportMetric(float64(len(data))/float64(set.Len()), "B/rule")
	for b.Loop() {
		if _, err := filterlist.Open(data, filterlist.Key{}, nil); err != nil {
			b.Fatal(err)
		}
	}
}
