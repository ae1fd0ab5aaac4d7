// Package rules holds what Quench knows about trackers, as data: it embeds the
// files and does nothing else.
//
//	builtin.json         vendors/*.yaml compiled (go generate), examples left out; docs/vendors.md shows them
//	vetoes.yaml          what no rule may ever stop
//	benign.yaml          what the score of unknown requests leaves alone
//	never-intercept.yaml hosts whose TLS is never opened
//	stubs/*.js           stand-ins for vendors' scripts
//	lists.yaml           public lists that can be fetched by name; none is part of quench
//	resources.yaml       neutral bodies that lists ask for by name, under resources/
package rules

import "embed"

//go:generate go run ../internal/detect/vendor/gen .. rules/vendors builtin.json
//go:generate go run ../internal/vendordoc .. rules/vendors ../docs/vendors.md

// FS holds the files. The YAML under vendors is the source and is not part of
// the program; a test proves builtin.json equal to it.
//
//go:embed builtin.json vetoes.yaml benign.yaml never-intercept.yaml links.yaml widgets.yaml lists.yaml resources.yaml stubs resources
var FS embed.FS
