package vendor

import (
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quench-proxy/quench/internal/detect/pack"
)

// TestCodeKeepsAll fills every field of a Spec there is, so that one which Code
// forgets shows.
func TestCodeKeepsAll(t *testing.T) {
	t.Parallel()
	want := &Spec{}
	n := 0
	setAll(t, reflect.ValueOf(want).Elem(), &n)
	for i := range want.Trackers {
		want.Trackers[i].Examples = nil // left out
	}
	specs := []*Spec{want, {Company: "another"}}
	data := pack.Pack(func(c *pack.Coder) { Code(c, &specs) })
	var got []*Spec
	if err := pack.Unpack(string(data), func(c *pack.Coder) { Code(c, &got) }); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(specs, got); d != "" {
		t.Errorf("another was read than was written:\n%s", d)
	}
	if n < 100 {
		t.Errorf("only %d fields were filled", n)
	}
}

// setAll gives every field of v, and two entries of every list and map, a value
// of its own.
func setAll(t *testing.T, v reflect.Value, n *int) {
	t.Helper()
	*n++
	switch v.Kind() {
	case reflect.String:
		v.SetString("text " + string(rune('a'+*n%26)) + string(rune('0'+*n%10)))
	case reflect.Int:
		v.SetInt(int64(*n))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Struct:
		for i := range v.NumField() {
			setAll(t, v.Field(i), n)
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		setAll(t, v.Index(0), n)
		setAll(t, v.Index(1), n)
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for _, k := range []string{"one", "two"} {
			e := reflect.New(v.Type().Elem()).Elem()
			setAll(t, e, n)
			v.SetMapIndex(reflect.ValueOf(k), e)
		}
	default:
		t.Fatalf("a field is %s", v.Type())
	}
}
