package vendor

import (
	"strings"
	"testing"
)

// FuzzCodecs: no body and no parameter makes a codec give more than its
// bounds allow, whatever it claims to be.
func FuzzCodecs(f *testing.F) {
	for i, s := range []string{
		"a=1&b[c]=2&%zz=%41", `{"a":{"b":[1,2,{"c":null}]}}`, "{}\n{\"a\":1}\nx", "en=a&ep.b=1\r\nen=b",
		gz64(`{"a":1}`), part(`name="a[b]"`, "c"), "{}\n{\"length\":2}\n{}\n", `[["a",{"b":1}],["c"]]`, "a:1/b=2/[c:3]", "H4sIAAAAAAAA", "a:1:b:2:c", "idX~nmY~pr1", strings.Repeat("[", 100) + `"x"`, "\x1f\x8b\x08",
	} {
		f.Add(uint8(i), s)
	}
	f.Fuzz(func(t *testing.T, which uint8, s string) {
		body := bodyCodecs[int(which)%len(bodyCodecs)]
		events := decodeBody(body, []byte(s))
		if len(events) > maxEvents {
			t.Errorf("%s: %d events, want at most %d", body, len(events), maxEvents)
		}
		param := paramCodecs[int(which)%len(paramCodecs)]
		if p := decodeParam(param, s); p != nil {
			events = append(events, p)
		}
		for _, p := range events {
			if len(p.pairs) > maxParams {
				t.Errorf("%d parameters, want at most %d", len(p.pairs), maxParams)
			}
			for _, kv := range p.pairs {
				if len(kv.value) > maxValue {
					t.Errorf("%q has %d bytes, want at most %d", kv.key, len(kv.value), maxValue)
				}
			}
		}
	})
}
