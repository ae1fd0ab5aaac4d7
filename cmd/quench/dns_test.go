package main

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"github.com/miekg/dns"
	"github.com/rogpeppe/go-internal/testscript"
)

// cmdAsk asks $DNS over UDP for a name and a type, and prints the code and the
// data of the answers.
func cmdAsk(ts *testscript.TestScript, _ bool, args []string) {
	m := new(dns.Msg).SetQuestion(dns.Fqdn(args[0]), dns.StringToType[args[1]])
	in, _, err := (&dns.Client{Timeout: patience}).Exchange(m, ts.Getenv("DNS"))
	ts.Check(err)
	fmt.Fprintln(ts.Stdout(), answerText(in))
}

// answerText is an answer as "NOERROR 192.0.2.1 ...".
func answerText(m *dns.Msg) string {
	out := []string{dns.RcodeToString[m.Rcode]}
	for _, rr := range m.Answer {
		out = append(out, strings.TrimPrefix(rr.String(), rr.Header().String()))
	}
	return strings.Join(out, " ")
}

// fakeResolved holds a UDP port under the name that systemd-resolved has in the
// process table, says where, and ends with its input.
func fakeResolved() {
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(c.LocalAddr())
	runtime.GC() // closes every socket that nobody needs any more: c is not one
	_, _ = io.Copy(io.Discard, os.Stdin)
	_ = c.Close()
}

// cmdHoldResolved has fakeResolved hold a port and puts the address into the
// named variable.
func cmdHoldResolved(ts *testscript.TestScript, _ bool, args []string) {
	cmd := exec.Command("systemd-resolve")
	in, err := cmd.StdinPipe()
	ts.Check(err)
	out, err := cmd.StdoutPipe()
	ts.Check(err)
	ts.Check(cmd.Start())
	ts.Defer(func() { _ = in.Close(); _ = cmd.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	ts.Check(err)
	ts.Setenv(args[0], strings.TrimSpace(line))
}

// cmdMakeCert makes a certificate for a name: makecert NAME CERT KEY.
func cmdMakeCert(ts *testscript.TestScript, _ bool, args []string) {
	cert, key, err := testCert(args[0], time.Now().Add(time.Hour))
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), cert, 0o600))
	ts.Check(os.WriteFile(ts.MkAbs(args[2]), key, 0o600))
}

func testCert(name string, until time.Time) (certPEM, keyPEM []byte, err error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: until, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	if err != nil {
		return nil, nil, err
	}
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw}), nil
}
