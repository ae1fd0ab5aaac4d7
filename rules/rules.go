// Package rules holds what Quench knows about trackers, as data: it embeds the
// files and does nothing else.
//
//	builtin.bin          the rules compiled (go generate): vendors/*.yaml without
//	                     their examples, vetoes.yaml (what no rule may ever stop),
//	                     benign.yaml (what the score of unknown requests leaves
//	                     alone), links.yaml, widgets.yaml and resources.yaml;
//	                     docs/vendors.md shows the companies
//	never-intercept.yaml hosts whose TLS is never opened
//	stubs/*.js           stand-ins for vendors' scripts
//	lists.yaml           public lists that can be fetched by name; none is part of quench
//	resources/*          neutral bodies that lists ask for by name
package rules

import "embed"

//go:generate go run ../internal/detect/engine/gen .. rules builtin.bin
//go:generate go run ../internal/vendordoc .. rules/vendors ../docs/vendors.md

// FS holds the files. The YAML under vendors is a source and is not part of the
// program, what people and tests ask for by name is; a test proves builtin.bin
// equal to all its sources.
//
//go:embed builtin.bin vetoes.yaml benign.yaml never-intercept.yaml links.yaml widgets.yaml lists.yaml resources.yaml stubs resources
var FS embed.FS
