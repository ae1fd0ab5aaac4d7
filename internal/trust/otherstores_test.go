package trust

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"
)

// selfSigned returns the PEM of a CA with a given common name.
func selfSigned(t *testing.T, name string) []byte {
	t.Helper()
	key, err := newKey()
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageCertSign, BasicConstraintsValid: true, IsCA: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return encodeCert(der)
}

// fakeKeychain stands for security(1) of macOS and certutil of Windows as far
// as their documented arguments go.
type fakeKeychain struct {
	certs []*x509.Certificate
	add   *x509.Certificate // what an add command puts in
	ran   []string
}

func (k *fakeKeychain) run(_ context.Context, c Command) ([]byte, error) {
	k.ran = append(k.ran, c.String())
	has := func(sum string) int {
		return slices.IndexFunc(k.certs, func(x *x509.Certificate) bool { return thumbprint(x) == sum })
	}
	switch args := c.Args; {
	case slices.Contains(args, "find-certificate"):
		var out []byte
		for _, cert := range k.certs {
			out = append(out, encodeCert(cert.Raw)...)
		}
		if out == nil {
			return nil, errors.New("SecKeychainSearchCopyNext: not found")
		}
		return out, nil
	case slices.Contains(args, "add-trusted-cert"), slices.Contains(args, "-addstore"):
		k.certs = append(k.certs, k.add)
	case slices.Contains(args, "delete-certificate"):
		i := has(args[2])
		k.certs = slices.Delete(k.certs, i, i+1)
	case slices.Contains(args, "-delstore"):
		i := has(args[3])
		k.certs = slices.Delete(k.certs, i, i+1)
	case slices.Contains(args, "-store"):
		if has(args[3]) < 0 {
			return nil, errors.New("CRYPT_E_NOT_FOUND")
		}
	default:
		return nil, errors.New("unexpected " + c.String())
	}
	return nil, nil
}

func TestOtherSystems(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	for _, system := range []string{"darwin", "windows"} {
		t.Run(system, func(t *testing.T) {
			t.Parallel()
			ca := newTestCA(t)
			k := &fakeKeychain{add: ca.Certificate()}
			o := StoreOptions{OS: system, Home: t.TempDir(), Run: k.run,
				LookPath: func(name string) (string, error) { return "/bin/" + name, nil }}
			store := Stores(o)[0]
			o.DryRun = true
			dry := Stores(o)[0]
			for _, step := range []struct {
				name   string
				act    func(context.Context, *CA) Result
				action Action
				state  State
			}{
				{"look", store.Status, Nothing, Absent},
				{"dry install", dry.Install, WouldAdd, Absent},
				{"install", store.Install, Added, Installed},
				{"install again", store.Install, Nothing, Installed},
				{"look again", store.Status, Nothing, Installed},
				{"dry uninstall", dry.Uninstall, WouldRemove, Installed},
				{"uninstall", store.Uninstall, Removed, Absent},
				{"uninstall again", store.Uninstall, Nothing, Absent},
			} {
				r := step.act(ctx, ca)
				if r.Err != nil || r.Action != step.action || r.State != step.state {
					t.Errorf("%s = %+v, want action %q, state %q", step.name, r, step.action, step.state)
				}
				if strings.HasPrefix(step.name, "dry") && r.Command == "" {
					t.Errorf("%s shows no command", step.name)
				}
			}
			if len(k.certs) != 0 {
				t.Errorf("%d certificates left, ran %q", len(k.certs), k.ran)
			}
		})
	}
}
