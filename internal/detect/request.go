package detect

import (
	"strings"

	"golang.org/x/net/publicsuffix"
)

// Request is one reference to a host or URL, made by a browser, found in a
// mail or asked of a resolver. It belongs to whoever made it; the engine only
// reads it and keeps no reference past a call, except inside a Seen.
type Request struct {
	// URL is the whole URL as it was written, or "" if only the host is known.
	// It is kept as a string because real ones do not always parse.
	URL string
	// Host is lower case, without port, brackets or trailing dot. It is always
	// set and is what rules match: for a name of a CNAME chain it differs from
	// the URL's.
	Host string
	// Page is the URL or origin of the first party, "" if unknown.
	Page string
	// PageFrom says how Page is known.
	PageFrom PageFrom
	// Site is what the browser itself said of the relation (Sec-Fetch-Site);
	// it wins over a comparison of Page and Host. PartyUnknown if it said nothing.
	Site Party
	// Type is what the answer will be used for.
	Type Type
	// Method is upper case; "" means GET.
	Method string
	// Header holds the request's header; nil if there is none.
	Header Header
	// Body is the request body if it was held, decoded of no content coding.
	Body []byte
	// BodyCut is set if the body is longer than Body or was not held.
	BodyCut bool
	// Past is what is remembered of this client and of hosts; nil means nothing.
	// Only the judgement of what no rule knows reads it.
	Past *Past
}

// Party returns how the request relates to its page: by the browser's own word
// if there is one, else by registrable domain. A guessed page proves nothing.
func (r *Request) Party() Party {
	if r.Site != PartyUnknown {
		return r.Site
	}
	if r.Page == "" || r.PageFrom == PageGuess {
		return PartyUnknown
	}
	return PartyOf(r.Host, HostOf(r.Page))
}

// PartyOf compares two host names (lower case) by registrable domain, private
// suffixes of the Public Suffix List included. It allocates only for two
// different names that share their last two labels: then the list is asked.
func PartyOf(host, page string) Party {
	switch {
	case host == "" || page == "":
		return PartyUnknown
	case host == page:
		return FirstParty
	}
	common := commonLabels(host, page)
	if strings.IndexByte(common, '.') < 0 || isIP(host) || isIP(page) {
		return ThirdParty
	}
	if suffix, _ := publicsuffix.PublicSuffix(common); len(suffix) < len(common) {
		return FirstParty
	}
	return ThirdParty
}

// commonLabels returns the longest run of whole labels that both names end in.
func commonLabels(a, b string) string {
	n := 0
	for i := 1; ; i++ {
		endA, endB := i > len(a), i > len(b)
		if (endA || a[len(a)-i] == '.') && (endB || b[len(b)-i] == '.') {
			n = i - 1
		}
		if endA || endB || a[len(a)-i] != b[len(b)-i] {
			return a[len(a)-n:]
		}
	}
}

// Registrable returns the registrable domain of host (one label more than its
// public suffix); a public suffix, IP literal or single label is returned as
// it is. The result is a part of host.
func Registrable(host string) string {
	if isIP(host) {
		return host
	}
	suffix, _ := publicsuffix.PublicSuffix(host)
	if len(suffix) >= len(host) {
		return host
	}
	cut := len(host) - len(suffix) - 1
	if cut <= 0 || host[cut] != '.' {
		return host
	}
	return host[strings.LastIndexByte(host[:cut], '.')+1:]
}

func isIP(host string) bool {
	if host == "" || strings.IndexByte(host, ':') >= 0 {
		return true
	}
	last := host[len(host)-1]
	return last >= '0' && last <= '9' && strings.Trim(host, "0123456789.") == ""
}

// HostOf returns the host of a URL as a Request wants it: lower case, without
// userinfo, port, brackets and trailing dot. It takes URLs that no parser
// takes; "" means that there is no host. It allocates only for upper case.
func HostOf(url string) string {
	i := authority(url)
	if i < 0 {
		return ""
	}
	rest, simple := url[i:], true
	for j := range len(rest) {
		c := rest[j]
		if c == '/' || c == '?' || c == '#' || c == '\\' {
			rest = rest[:j]
			break
		}
		simple = simple && (c >= 'a' && c <= 'z' || c == '.' || c == '-' || c >= '0' && c <= '9')
	}
	if simple {
		return strings.TrimSuffix(rest, ".")
	}
	if i := strings.LastIndexByte(rest, '@'); i >= 0 {
		rest = rest[i+1:]
	}
	if strings.HasPrefix(rest, "[") {
		if i := strings.IndexByte(rest, ']'); i > 0 {
			return strings.ToLower(rest[1:i])
		}
		return ""
	}
	if i := strings.IndexByte(rest, ':'); i >= 0 {
		rest = rest[:i]
	}
	return strings.ToLower(strings.TrimSuffix(rest, "."))
}

// authority returns where the authority of a URL begins, behind the first
// "//"; -1 if there is none.
func authority(url string) int {
	i := strings.IndexByte(url, '/')
	if i >= 0 && !strings.HasPrefix(url[i+1:], "/") { // the first slash of a URL has a second, but for odd ones
		i = strings.Index(url, "//")
	}
	if i < 0 {
		return -1
	}
	return i + 2
}

// Split returns the path ("/" if empty) and the query (without "?") of a URL,
// as written; the fragment is dropped. Nothing is allocated.
func Split(url string) (path, query string) {
	rest := url
	if i := authority(rest); i >= 0 {
		rest = rest[i:]
		j := 0
		for j < len(rest) && rest[j] != '/' && rest[j] != '?' && rest[j] != '#' {
			j++
		}
		rest = rest[j:]
	}
	if i := strings.IndexByte(rest, '#'); i >= 0 {
		rest = rest[:i]
	}
	if i := strings.IndexByte(rest, '?'); i >= 0 {
		rest, query = rest[:i], rest[i+1:]
	}
	if rest == "" {
		rest = "/"
	}
	return rest, query
}

// UnderDomain reports whether host is domain or a name below it.
func UnderDomain(host, domain string) bool {
	if len(host) == len(domain) {
		return host == domain
	}
	return len(host) > len(domain) && strings.HasSuffix(host, domain) &&
		host[len(host)-len(domain)-1] == '.'
}

// HostQuestion asks about a name alone: a DNS question, a CONNECT target, the
// name in a ClientHello, a host in a mail.
type HostQuestion struct {
	// Host is lower case, without port or trailing dot.
	Host string
	// QType is the DNS query type, 0 if the question did not come by DNS.
	QType uint16
	// Page is the first party if it is known, else "".
	Page string
	// Client is who asks: an IP address, or the name the configuration gave it;
	// "" if unknown. Tags are the client's tags (device_pc, user_child …). Only
	// rules of lists that name clients or tags read them.
	Client string
	Tags   []string
}

// ResponseHead is what is known of a response when its header and, where
// asked for, its first bytes have arrived.
type ResponseHead struct {
	// Status is the HTTP status code.
	Status int
	// Header is the response header, never nil.
	Header Header
	// Head holds the first bytes of the body without content coding; nil if
	// they were not asked for. Complete says that it is the whole body.
	Head     []byte
	Complete bool
	// Length is the declared length of the body, -1 if unknown.
	Length int64
}
