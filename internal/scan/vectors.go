package scan

import "github.com/quench-proxy/quench/internal/detect/markup"

// Title says in a few words what v is. It is never empty: numbers that nothing
// uses say so.
func Title(v markup.Vector) string {
	if t := v.Title(); t != "" {
		return t
	}
	if t := mailTitles[v]; t != "" {
		return t
	}
	return "not in use"
}

// mailTitles are the vectors that are no markup.
var mailTitles = map[markup.Vector]string{
	69:  "Link field of a response",
	140: "Office document: linked picture, template or object", 141: "PDF, RTF or other document with actions",
	150: "Disposition-Notification-To: a receipt is asked for", 151: "Return-Receipt-To: a receipt is asked for",
	152: "X-Confirm-Reading-To: a receipt is asked for", 153: "options of a receipt", 154: "another field that asks for a receipt",
	155: "message/external-body: content lies elsewhere", 156: "Content-Location or Content-Base", 157: "AMP part", 158: "part for watches",
	159: "calendar", 160: "vCard", 161: "enriched text", 162: "HTML as an attachment", 163: "forwarded message", 164: "TNEF (winmail.dat)",
	165: "S/MIME certificate: issuer, OCSP or revocation list", 166: "OpenPGP: key lookup or notation",
	167: "DKIM or ARC selector, looked up by name", 168: "picture named in a header field", 169: "List-Unsubscribe",
	170: "List field, or an identifier in a header field", 171: "the sender's domain, looked up for a picture",
	172: "link rewritten by a scanner", 173: "Message-ID or return path that may name the reader",
	177: "not in use", 178: "not in use", 179: "not in use", 180: "request in an archive",
}
