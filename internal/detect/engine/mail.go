package engine

import (
	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/detect/vendor"
)

// Mail says what the rules know of a reference of a message that Request has
// decided nothing about: a link that tells of the click (q.Type is document),
// or a picture of a shape too common to be stopped for it. What the user
// allows and what is vetoed is not named. It allocates.
func (s *Set) Mail(q *detect.Request, p *detect.Policy) (vendor.MailHit, bool) {
	h, ok := s.vendors.Mail(q)
	if !ok {
		return vendor.MailHit{}, false
	}
	path, _ := detect.Split(q.URL)
	if orZero(p).Allows.Match(q.Host, detect.HostOf(q.Page)) || s.vetoes.match(q.Host, path) > 0 {
		return vendor.MailHit{}, false
	}
	return h, true
}
