package trust

import (
	"io"
	"os"
	"slices"
	"strings"
)

const maxOSRelease = 64 << 10

// packageManager is how one family of systems installs a package.
type packageManager struct {
	ids      []string // ID or ID_LIKE of os-release
	install  []string
	certutil string // the package that has NSS's certutil
}

func packageManagers() []packageManager {
	return []packageManager{
		{[]string{"debian", "ubuntu"}, []string{"apt", "install"}, "libnss3-tools"},
		{[]string{"fedora", "rhel", "centos"}, []string{"dnf", "install"}, "nss-tools"},
		{[]string{"arch", "archlinux"}, []string{"pacman", "-S"}, "nss"},
		{[]string{"suse", "opensuse", "sles"}, []string{"zypper", "install"}, "mozilla-nss-tools"},
		{[]string{"alpine"}, []string{"apk", "add"}, "nss-tools"},
		{[]string{"void"}, []string{"xbps-install"}, "nss"},
		{[]string{"gentoo"}, []string{"emerge"}, "dev-libs/nss"},
	}
}

// CertutilCommand returns the command that installs NSS's certutil on this
// system, or a sentence that says what to look for where the package is not
// known. Of o only Root, OS and IsRoot count.
func CertutilCommand(o StoreOptions) string {
	o = o.withDefaults()
	if o.OS == "darwin" {
		return "brew install nss"
	}
	if pm, ok := findPackageManager(o); ok {
		return packageCommand(o, pm.certutil)
	}
	return "install the package that has NSS's certutil (often nss-tools)"
}

// packageCommand is the line that installs a package of a given name.
func packageCommand(o StoreOptions, name string) string {
	pm, ok := findPackageManager(o)
	if !ok {
		return "install the package " + name
	}
	return sudo(o, Command{pm.install[0], append(slices.Clone(pm.install[1:]), name)})
}

func findPackageManager(o StoreOptions) (packageManager, bool) {
	ids := osReleaseIDs(o)
	for _, id := range ids {
		for _, pm := range packageManagers() {
			if slices.Contains(pm.ids, id) {
				return pm, true
			}
		}
	}
	return packageManager{}, false
}

// osReleaseIDs returns ID, then the words of ID_LIKE (os-release(5)).
func osReleaseIDs(o StoreOptions) []string {
	f, err := os.Open(o.path("/etc/os-release"))
	if err != nil {
		if f, err = os.Open(o.path("/usr/lib/os-release")); err != nil {
			return nil
		}
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxOSRelease))
	if err != nil {
		return nil
	}
	var id, like []string
	for line := range strings.Lines(string(data)) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		words := strings.Fields(strings.Trim(value, `"'`))
		switch key {
		case "ID":
			id = words
		case "ID_LIKE":
			like = words
		}
	}
	return append(id, like...)
}
