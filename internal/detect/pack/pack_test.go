package pack

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

type value struct {
	Text  string
	N     int
	A, B  bool
	List  []string
	Rows  []row
	Named map[string]row
}

type row struct {
	Text string
	On   bool
}

func (v *value) code(c *Coder) {
	c.String(&v.Text)
	c.Int(&v.N)
	c.Bools(&v.A, &v.B)
	c.Strings(&v.List)
	Slice(c, &v.Rows, codeRow)
	Map(c, &v.Named, codeRow)
}

func codeRow(c *Coder, r *row) {
	c.String(&r.Text)
	c.Bools(&r.On)
}

func full() value {
	return value{
		Text: "a\x00ü", N: 1 << 40, B: true, List: []string{"x", "", strings.Repeat("long ", 100), "x"},
		Rows: []row{{"a", true}, {"b", false}}, Named: map[string]row{"k": {"x", true}, "": {}, "l": {"y", false}, "m": {"z", true}},
	}
}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	for _, want := range []value{{}, full(), {List: []string{""}}, {N: 127}, {N: 128}} {
		var got value
		if err := Unpack(string(Pack(want.code)), got.code); err != nil {
			t.Errorf("%+v: %v", want, err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("another was read than was written:\n%s", d)
		}
	}
}

// TestEqualBytes: the order of a map does not show.
func TestEqualBytes(t *testing.T) {
	t.Parallel()
	v := full()
	want := Pack(v.code)
	for range 50 {
		w := full()
		if got := Pack(w.code); !bytes.Equal(got, want) {
			t.Fatalf("the same value gave %x and %x", got, want)
		}
	}
}

// TestDamaged: whatever is cut off, put behind or changed, reading ends, and
// what is cut or too long is said.
func TestDamaged(t *testing.T) {
	t.Parallel()
	v := full()
	good := Pack(v.code)
	for n := range good {
		var got value
		if err := Unpack(string(good[:n]), got.code); !errors.Is(err, errCut) {
			t.Errorf("the first %d of %d bytes: error %v, want %v", n, len(good), err, errCut)
		}
		for _, b := range []byte{0, 0x7f, 0x80, 0xff} {
			bad := bytes.Clone(good)
			bad[n] = b
			_ = Unpack(string(bad), new(value).code) // must come to an end, and not panic
		}
	}
	if err := Unpack(string(good)+"x", new(value).code); !errors.Is(err, errCut) {
		t.Errorf("a byte too many: error %v, want %v", err, errCut)
	}
	if err := Unpack(string(good), func(c *Coder) { c.String(new(string)) }); !errors.Is(err, errCut) {
		t.Errorf("read as another type: error %v, want %v", err, errCut)
	}
}
