package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/dnsfilter"
	"github.com/quench-proxy/quench/internal/strictyaml"
)

// configName is the file looked for in the configuration directory.
const configName = "quench.yaml"

// defaultDNS is where the DNS door listens if nobody says otherwise. If it is
// taken, the door stays closed.
const defaultDNS = "127.0.0.1:5335"

// config is quench.yaml.
type config struct {
	Mode    string                  `yaml:"mode"`
	Strict  bool                    `yaml:"strict"`
	Proxy   proxyConfig             `yaml:"proxy"`
	DNS     dnsConfig               `yaml:"dns"`
	Lists   []string                `yaml:"lists"`
	Clients []clientConfig          `yaml:"clients"`
	Allow   []detect.Override       `yaml:"allow"`
	Vendors map[string]vendorConfig `yaml:"vendors"`
	Ledger  ledgerConfig            `yaml:"ledger"`
	Metrics metricsConfig           `yaml:"metrics"`
}

type proxyConfig struct {
	Listen         string   `yaml:"listen"`
	Intercept      string   `yaml:"intercept"`
	NeverIntercept []string `yaml:"never_intercept"`
	AllowFrom      []string `yaml:"allow_from"`
	PasswordFile   string   `yaml:"password_file"`
	Fail           string   `yaml:"fail"` // closed, or direct: what /proxy.pac says
	Upstream       string   `yaml:"upstream"`
	PrivateNames   []string `yaml:"private_names"`
	AllowPrivate   bool     `yaml:"allow_private"`
	GPC            bool     `yaml:"gpc"`
	RewritePages   bool     `yaml:"rewrite_pages"`
	CleanLinks     bool     `yaml:"clean_links"`
	ClickToLoad    bool     `yaml:"click_to_load"`
	Unknown        string   `yaml:"unknown"` // block, strip, observe or off
	ConnectPorts   []int    `yaml:"connect_ports"`

	HeaderTimeout  string `yaml:"header_timeout"`
	StallTimeout   string `yaml:"stall_timeout"`
	MaxConns       int    `yaml:"max_connections"` // of all clients
	MaxClientConns int    `yaml:"max_connections_per_client"`
}

type dnsConfig struct {
	// Listen, DoT, DoH and DoQ are addresses with commas between; "" and off: none.
	Listen string `yaml:"listen"`
	DoT    string `yaml:"dot"`
	DoH    string `yaml:"doh"`
	DoQ    string `yaml:"doq"`

	Upstreams []string `yaml:"upstreams"`
	Fallback  []string `yaml:"fallback"`
	Bootstrap []string `yaml:"bootstrap"`
	Strategy  string   `yaml:"strategy"` // parallel, strict or fastest

	TLS  tlsConfig `yaml:"tls"`
	Name string    `yaml:"name"` // one in the certificate; "" is its first

	AllowFrom    []string          `yaml:"allow_from"`
	PrivateNames []string          `yaml:"private_names"`
	QueryLog     bool              `yaml:"query_log"`
	Block        string            `yaml:"block"` // null, nodata, nxdomain, refused or addresses
	BlockByList  map[string]string `yaml:"block_by_list"`
	BlockTTL     string            `yaml:"block_ttl"`
	CacheSize    string            `yaml:"cache_size"`
	RateLimit    int               `yaml:"rate_limit"` // answers a second for a client; 0 is no limit
}

type tlsConfig struct {
	Cert string `yaml:"cert"`
	Key  string `yaml:"key"`
}

// clientConfig is a group of clients. Without Lists all that hold for everybody
// hold for it; with them those and the user's own rules.
type clientConfig struct {
	Name     string            `yaml:"name"`
	Match    []string          `yaml:"match"`
	Tags     []string          `yaml:"tags"`
	Lists    []string          `yaml:"lists"`
	Allow    []detect.Override `yaml:"allow"`
	Pause    bool              `yaml:"pause"` // nothing is blocked, all is recorded
	Schedule []scheduleConfig  `yaml:"schedule"`
}

// scheduleConfig is hours in which other lists hold, or none; what it leaves out
// is as outside of them.
type scheduleConfig struct {
	At    string            `yaml:"at"` // "mon-fri 21:00-06:00"
	Lists []string          `yaml:"lists"`
	Allow []detect.Override `yaml:"allow"`
	Pause bool              `yaml:"pause"`
}

type vendorConfig struct {
	Loader string `yaml:"loader"`
}

type ledgerConfig struct {
	Keep    string `yaml:"keep"`
	MaxSize string `yaml:"max_size"`
	Detail  string `yaml:"detail"`
}

// metricsConfig is a listener for Prometheus; the control socket has the same.
type metricsConfig struct {
	Listen    string   `yaml:"listen"` // "" or off: none
	AllowFrom []string `yaml:"allow_from"`
}

func defaultConfig() *config {
	return &config{
		Mode: "block",
		Proxy: proxyConfig{
			Listen: "127.0.0.1:8118", Intercept: "auto", Fail: "closed", GPC: true, RewritePages: true, CleanLinks: true, ClickToLoad: true, Unknown: "block",
			AllowFrom: []string{"127.0.0.0/8", "::1/128"}, ConnectPorts: []int{443, 8443},
			HeaderTimeout: "15s", StallTimeout: "10m", MaxConns: 8192, MaxClientConns: 1024,
		},
		DNS:    dnsConfig{Listen: defaultDNS, Strategy: "parallel", BlockTTL: "10s", CacheSize: "8MB", RateLimit: dnsfilter.DefaultRateLimit},
		Ledger: ledgerConfig{Keep: "90d", MaxSize: "1GB", Detail: "redacted"},
	}
}

// configPath returns the file to read; given says that the user named it.
func (a *app) configPath() (path string, given bool, err error) {
	if a.configFile != "" {
		return a.configFile, true, nil
	}
	dir, _, err := a.dirs()
	if err != nil || dir == "" {
		return "", false, err
	}
	return filepath.Join(dir, configName), false, nil
}

// loadConfig reads the configuration: the defaults where the file says nothing
// or is not there (unless the user named it). The error joins all faults.
// trackers are the ids that "vendors" may name; nil leaves them unchecked.
func (a *app) loadConfig(trackers []string) (*config, error) {
	path, given, err := a.configPath()
	if err != nil {
		return nil, err
	}
	c := defaultConfig()
	data, err := readFile(path, strictyaml.MaxSize)
	switch {
	case errors.Is(err, fs.ErrNotExist) && !given || path == "":
		return c, nil
	case err != nil:
		return nil, fmt.Errorf("read the configuration: %w", err)
	}
	return c, parseConfig(path, data, c, trackers)
}

// readFile reads a file of at most limit bytes; one more is returned of a
// larger one, so that the caller can tell.
func readFile(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, limit+1))
}

// parseConfig reads data into c and checks what it says.
func parseConfig(file string, data []byte, c *config, trackers []string) error {
	err := strictyaml.Decode(file, data, c)
	// Both kinds of faults are wanted at once; those of the checks only for
	// what did decode.
	return errors.Join(err, checkConfig(file, data, c, trackers))
}

func (a *app) configCmd() *cobra.Command {
	cmd := &cobra.Command{Use: "config", Short: "Check the configuration", Args: noArgs, RunE: needsCommand}
	cmd.AddCommand(&cobra.Command{
		Use:   "check",
		Short: "Say whether the configuration and the rules are right, and every fault",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, cfg, err := a.loadAll(overrides{})
			if err == nil {
				_, err = a.loadPasswords(cfg.Proxy.PasswordFile)
				err = errors.Join(err, a.checkListFiles(cmd.Context(), cfg))
			}
			if err != nil {
				return err
			}
			path, _, err := a.configPath()
			if err != nil {
				return err
			}
			if _, err := os.Stat(path); err != nil {
				a.say("there is no %s; the defaults hold", path)
			}
			_, err = fmt.Fprintln(a.out, "ok")
			return err
		},
	})
	return cmd
}
