package redact

import "strings"

// Secret reports whether a value must never be kept, by the name it goes under
// or by its own shape. An empty value is no secret.
func Secret(name, value string) bool {
	return value != "" && (secretName(name) || clean(value) != value)
}

// wholeNames are secret as a whole name, letters and digits only, lower case.
var wholeNames = set("xs", "sid", "session", "sessionkey", "ssid", "hsid", "apisid", "sapisid", "sidcc", "sess", "auth", "authuser",
	"jwt", "connectsid", "laravelsession", "asps", "aspxauth", "lsid", "osid", "datr", "sb", "lidc", "liat", "authcode", "authkey",
	"key", "ckey", "hash", "nonce", "wpnonce", "code", "ticket", "samlresponse", "samlrequest", "relaystate", "pan", "ccnum", "cc",
	"cardno", "ssn", "tan", "cookie", "setcookie", "accountnumber", "securitycode", "accesskey", "access", "refresh", "verifier",
	"codeverifier", "assertion", "magic", "loginkey", "resetkey", "activationkey", "sig")

// wordNames are secret as one word of a name ("user[pass]", "loginPin").
var wordNames = set("pass", "pwd", "pin", "otp", "totp", "mfa", "cvv", "cvv2", "cvc", "cvc2", "csc", "auth", "oauth", "sid", "sess",
	"jwt", "bearer", "hmac", "ssn", "iban", "pw", "passcode", "tan", "sig")

// inNames make a name secret wherever they stand in it.
var inNames = []string{"password", "passwd", "passwort", "kennwort", "passphrase", "motdepasse", "contrasena", "pwd", "secret", "token",
	"apikey", "privatekey", "credential", "sessid", "sessionid", "authorization", "authentication", "csrf", "xsrf", "signature",
	"creditcard", "cardnumber", "ccnumber", "kartennummer", "sapisid", "psid", "onetime", "securityanswer", "secureid", "authcookie"}

// naming are keys whose value is the name of a field: {"name":"password","value":…}.
var naming = set("name", "id", "key", "field", "fieldname", "label", "type", "autocomplete", "n", "k")

func set(names ...string) map[string]bool {
	m := make(map[string]bool, len(names))
	for _, n := range names {
		m[n] = true
	}
	return m
}

const maxName = 128 // bytes of a name that are looked at

// secretName reports whether a value under this name is a secret.
func secretName(name string) bool {
	if name == "" {
		return false
	}
	if len(name) > maxName {
		name = name[len(name)-maxName:]
	}
	var whole, word [maxName]byte
	n, w := 0, 0
	secret := false
	flush := func() {
		secret = secret || w > 0 && wordNames[string(word[:w])]
		w = 0
	}
	var last byte
	for i := 0; i < len(name); i++ {
		c := name[i]
		k := class(c)
		if k == '.' || k == 'A' && last == 'a' {
			flush()
		}
		last = k
		if k == '.' {
			continue
		}
		if k == 'A' {
			c |= 0x20
		}
		whole[n], word[w] = c, c
		n, w = n+1, w+1
	}
	flush()
	if secret || wholeNames[string(whole[:n])] {
		return true
	}
	for _, s := range inNames {
		if strings.Contains(string(whole[:n]), s) {
			return true
		}
	}
	return false
}

// elidePairs elides the value behind every name that names a secret:
// name=value, name: value, "name":"value", and the object around
// "name":"password".
func elidePairs(s string) string {
	var b strings.Builder
	from := 0
	for i := 0; i < len(s); i++ {
		if s[i] != '=' && s[i] != ':' {
			continue
		}
		name := nameBefore(s, i)
		secret := secretName(name)
		if !secret && !naming[strings.ToLower(name)] {
			continue
		}
		look := s
		if !secret { // the name of a field is short
			look = head(s, i+maxName)
		}
		start, end := valueAfter(look, i)
		if start == end {
			continue
		}
		if !secret {
			if !secretName(strings.Trim(s[start:end], "\"'\\ ")) {
				continue
			}
			start, end = around(s, from, start, end)
		}
		b.WriteString(s[from:start] + Elided)
		from, i = end, end-1
	}
	if from == 0 {
		return s
	}
	return b.String() + s[from:]
}

// nameBefore returns the name that ends before s[i], "" if there is none.
func nameBefore(s string, i int) string {
	end := i
	for end > 0 && i-end < 6 && strings.IndexByte(" \"'\\", s[end-1]) >= 0 {
		end--
	}
	start := end
	for start > 0 && end-start < maxName && (class(s[start-1]) != '.' || strings.IndexByte("_-.$[]", s[start-1]) >= 0) {
		start--
	}
	return s[start:end]
}

// valueAfter returns the extent of the value behind the separator s[i]. It
// rather takes too much than too little.
func valueAfter(s string, i int) (start, end int) {
	start = i + 1
	for start < len(s) && strings.IndexByte(" =:\\\t\r\n", s[start]) >= 0 {
		start++
	}
	if start == len(s) {
		return start, start
	}
	switch c := s[start]; c {
	case '{', '[':
		return start, len(s)
	case '"', '\'':
		start++
		for end = start; end < len(s) && s[end] != c; end++ {
			if s[end] == '\\' && end+1 < len(s) && s[end+1] != c {
				end++
			} else if s[end] == '\\' && (start >= 2 && s[start-2] == '\\') {
				break // \"value\" inside a string
			} else if s[end] == '\\' {
				end++
			}
		}
		return start, min(end, len(s))
	}
	stop := "&\n\r"
	if s[i] == ':' {
		stop = "&\n\r,}"
	}
	end = len(s)
	if j := strings.IndexAny(s[start:], stop); j >= 0 {
		end = start + j
	}
	return start, end
}

// around widens an extent to the object or tag it stands in, but not before from.
func around(s string, from, start, end int) (int, int) {
	depth, open := 0, -1
	for i := start - 1; i >= from && open < 0; i-- {
		switch s[i] {
		case '}', '>':
			depth++
		case '{', '<':
			if depth--; depth < 0 {
				open = i + 1
			}
		}
	}
	shut := -1
	depth = 0
	for i := end; i < len(s) && shut < 0; i++ {
		switch s[i] {
		case '{', '<':
			depth++
		case '}', '>':
			if depth--; depth < 0 {
				shut = i
			}
		}
	}
	if open < 0 || shut < 0 {
		return from, len(s)
	}
	return open, shut
}
