package names_test

import (
	"io/fs"
	"os"
	"path"
	"strings"
	"testing"

	"github.com/quench-proxy/quench/internal/detect/names"
	"github.com/quench-proxy/quench/internal/detect/vendor"
	"github.com/quench-proxy/quench/internal/strictyaml"
)

const rulesDir = "../../../rules"

func shipped(t *testing.T) *names.Set {
	t.Helper()
	data, err := os.ReadFile(rulesDir + "/never-intercept.yaml")
	if err != nil {
		t.Fatal(err)
	}
	s, err := names.Parse("never-intercept.yaml", data)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestShippedList(t *testing.T) {
	t.Parallel()
	s := shipped(t)
	if s.Len() < 150 {
		t.Errorf("the shipped list has %d patterns, want at least 150", s.Len())
	}
	for host, want := range map[string]string{
		"secure.chase.com":              "bank",
		"www.sparkasse.de":              "bank",
		"onlinebanking.shop.example":    "bank",
		"www.irs.gov":                   "government",
		"www.impots.gouv.fr":            "government",
		"111.nhs.uk":                    "health",
		"accounts.google.com":           "sign-in",
		"login.live.com":                "sign-in",
		"login.microsoftonline.com":     "sign-in",
		"sso.shop.example":              "sign-in",
		"www.bankid.com":                "identity",
		"vault.bitwarden.com":           "password manager",
		"fe3.delivery.mp.microsoft.com": "update",
		"vpn.shop.example":              "vpn",
		"api.kraken.com":                "crypto",
		"www.google.com":                "",
		"www.facebook.com":              "",
		"www.linkedin.com":              "",
		"www.bing.com":                  "",
		"evilchase.com":                 "",
		"shop.example":                  "",
		"www.youtube.com":               "",
		"news.example":                  "",
	} {
		if why, _ := s.Match(host); why != want {
			t.Errorf("Match(%q) = %q, want %q", host, why, want)
		}
	}
}

// TestShippedListLeavesTrackersVisible: what is never intercepted cannot be
// explained, so no host of a vendor rule may be on the list.
func TestShippedListLeavesTrackersVisible(t *testing.T) {
	t.Parallel()
	s := shipped(t)
	trackers, _ := vendorHosts(t)
	for _, host := range trackers {
		if why, ok := s.Match(strings.TrimPrefix(host, ".")); ok {
			t.Errorf("%s is a host of a vendor rule, and never intercepted (%s)", host, why)
		}
	}
}

type vetoFile struct {
	Vetoes []struct {
		Hosts []string `yaml:"hosts"`
		Paths []string `yaml:"paths"`
		Why   string   `yaml:"why"`
	} `yaml:"vetoes"`
}

// TestVetoesSpareNoTracker: a veto wins over every rule, so a host of a rule
// may be vetoed for some paths only; and the hosts of a veto are well formed.
// The rules for consent managers only say whose they are: their hosts must be
// vetoed, each of them whole.
func TestVetoesSpareNoTracker(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile(rulesDir + "/vetoes.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var file vetoFile
	if err := strictyaml.Decode("vetoes.yaml", data, &file); err != nil {
		t.Fatal(err)
	}
	hosts, managers := vendorHosts(t)
	spared := map[string]bool{}
	seen := map[string]int{}
	for _, v := range file.Vetoes {
		seen[v.Why] += len(v.Hosts)
		set, err := names.New(v.Hosts)
		if err != nil {
			t.Fatal(err)
		}
		if len(v.Paths) > 0 {
			continue
		}
		for _, host := range hosts {
			if _, ok := set.Match(strings.TrimPrefix(host, ".")); ok {
				t.Errorf("%s is a host of a vendor rule, and vetoed whole (%s)", host, v.Why)
			}
		}
		for _, host := range managers {
			if _, ok := set.Match(host); ok && v.Why == "consent" {
				spared[host] = true
			}
		}
	}
	if len(managers) == 0 {
		t.Error("no rule names a consent manager")
	}
	for _, host := range managers {
		if !spared[host] {
			t.Errorf("%s is of a consent manager, and not vetoed", host)
		}
	}
	for _, why := range []string{"consent", "sign-in", "payment", "captcha"} {
		if seen[why] == 0 {
			t.Errorf("no veto for %s", why)
		}
		delete(seen, why)
	}
	if len(seen) > 0 {
		t.Errorf("reasons nobody knows: %v", seen)
	}
}

// vendorHosts gives the host patterns of all rules but those for any host: of
// trackers, and of consent managers.
func vendorHosts(t *testing.T) (trackers, managers []string) {
	t.Helper()
	dir := os.DirFS(rulesDir)
	files, err := fs.Glob(dir, "vendors/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no rules found: %v", err)
	}
	for _, f := range files {
		data, err := fs.ReadFile(dir, f)
		if err != nil {
			t.Fatal(err)
		}
		spec, err := vendor.Parse(path.Base(f), data)
		if err != nil {
			t.Fatal(err)
		}
		for _, tr := range spec.Trackers {
			hosts := &trackers
			if tr.Category == "consent" {
				hosts = &managers
			}
			*hosts = append(*hosts, tr.ByName.Refuse...)
			for _, h := range tr.Hits {
				*hosts = append(*hosts, h.Hosts...)
			}
			for _, l := range tr.Loaders {
				*hosts = append(*hosts, l.Hosts...)
			}
		}
	}
	return trackers, managers
}
