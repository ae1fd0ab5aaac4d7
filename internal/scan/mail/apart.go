package mail

import "strings"

// OpenedApart reports whether p is shown only when the reader opens it by
// itself, not with the mail: an attachment, or a file of a type that mail
// programs do not show, a page among them.
func (p *Part) OpenedApart() bool {
	return p.document || p.named() != "" || p.Disposition == "attachment" && (p.Depth > 0 || p.Inside != "")
}

// Attachment names the part that must be opened by itself before anything uses
// r: its file name, else its path; "" if r is used with the mail.
func (r *Ref) Attachment() string {
	switch p := r.Part; {
	case r.Space == InHeader || !p.OpenedApart():
		return ""
	case p.Filename != "":
		return p.Filename
	case p.Path != "":
		return "part " + p.Path
	}
	return "without a name"
}

// IsPage reports whether a browser opens p as a page: HTML, XHTML or SVG.
func (p *Part) IsPage() bool {
	switch p.Type {
	case "text/html", "application/xhtml+xml", "text/x-server-parsed-html", "image/svg+xml":
		return true
	}
	return p.named() != ""
}

// named says what the name of a file makes of a part whose type says nothing:
// "html", "svg" or "".
func (p *Part) named() string {
	t := p.Type
	if strings.HasPrefix(t, "text/") || strings.HasPrefix(t, "multipart/") || t == "application/xml" || t == "application/xhtml+xml" || t == "image/svg+xml" {
		return ""
	}
	switch name := strings.ToLower(p.Filename); {
	case strings.HasSuffix(name, ".html"), strings.HasSuffix(name, ".htm"), strings.HasSuffix(name, ".xhtml"), strings.HasSuffix(name, ".shtml"):
		return "html"
	case strings.HasSuffix(name, ".svg"):
		return "svg"
	}
	return ""
}
