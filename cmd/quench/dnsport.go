package main

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"
)

// resolvedFix frees port 53 of systemd-resolved's stub, and takes that back.
const resolvedFix = `systemd-resolved answers there for this machine. To have the port for quench:
  mkdir -p /etc/systemd/resolved.conf.d
  printf '[Resolve]\nDNSStubListener=no\n' > /etc/systemd/resolved.conf.d/quench.conf
  ln -sf /run/systemd/resolve/resolv.conf /etc/resolv.conf
  systemctl restart systemd-resolved
To undo it:
  rm /etc/systemd/resolved.conf.d/quench.conf
  ln -sf /run/systemd/resolve/stub-resolv.conf /etc/resolv.conf
  systemctl restart systemd-resolved
Or leave it, and listen on the address of this machine in your network instead of all addresses.`

// dnsPortError says who holds a port that cannot be had, and how to have it.
func dnsPortError(err error) error {
	var op *net.OpError
	if !errors.As(err, &op) || op.Addr == nil {
		return fmt.Errorf("the DNS door: %w", err)
	}
	addr := op.Addr.String()
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		who := dnsPortHolder(addr)
		switch {
		case strings.HasPrefix(who, "systemd-resolve"):
			return &portTaken{fmt.Sprintf("listen for DNS on %s: the port is in use by %s\n%s", addr, who, resolvedFix), err}
		case who != "":
			return &portTaken{fmt.Sprintf("listen for DNS on %s: the port is in use by %s; stop it, or choose another with --dns", addr, who), err}
		}
		return &portTaken{fmt.Sprintf("listen for DNS on %s: the port is in use; find who holds it with \"ss -lnptu\" (as root), or choose another with --dns", addr), err}
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("listen for DNS on %s: ports below 1024 need root or the capability CAP_NET_BIND_SERVICE; "+
			"have systemd open it (deploy/quench-dns.socket), or choose another port: %w", addr, err)
	}
	return fmt.Errorf("the DNS door: %w", err)
}

// portTaken is said in words of ours.
type portTaken struct {
	text string
	err  error
}

func (e *portTaken) Error() string { return e.text }
func (e *portTaken) Unwrap() error { return e.err }
