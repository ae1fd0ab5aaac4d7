package main

import (
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// TestConfigurationIsDescribed: docs/configuration.md shows the defaults, and
// names every key.
func TestConfigurationIsDescribed(t *testing.T) {
	t.Parallel()
	const file = "../../docs/configuration.md"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "```yaml\n")
	block, _, found := strings.Cut(rest, "```")
	if !found {
		t.Fatalf("%s has no example", file)
	}
	got := &config{}
	if err := parseConfig(file, []byte(block), got, nil); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(defaultConfig(), got, cmp.AllowUnexported(config{}, proxyConfig{}, dnsConfig{}, tlsConfig{}, ledgerConfig{}, metricsConfig{}, clientConfig{}, vendorConfig{}), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("the example is not the defaults (-want +got):\n%s", diff)
	}
	for _, key := range keysOf(reflect.TypeFor[config]()) {
		if !strings.Contains(block, key+":") {
			t.Errorf("%s does not name %q", file, key)
		}
	}
}

// keysOf lists the keys of a type and of all that is in it.
func keysOf(t reflect.Type) []string {
	switch t.Kind() {
	case reflect.Slice, reflect.Map, reflect.Pointer:
		return keysOf(t.Elem())
	case reflect.Struct:
		var keys []string
		for i := range t.NumField() {
			key, _, _ := strings.Cut(t.Field(i).Tag.Get("yaml"), ",")
			if key != "" && key != "-" {
				keys = append(keys, key)
			}
			keys = append(keys, keysOf(t.Field(i).Type)...)
		}
		return keys
	}
	return nil
}
