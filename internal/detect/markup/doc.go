// Package markup finds every reference in HTML, CSS, SVG, MathML and Office
// markup that a mail client or a browser could fetch, and says for each the
// bytes that hold it. `quench scan` reports and cleans with it; the proxy
// rewrites streams with it.
//
// It walks tokens, never a tree: what a tree builder drops, another client may
// fetch. The tokenizer agrees with golang.org/x/net/html about where each
// token starts and ends (a test compares them on real mail and under fuzzing)
// and gives what that one does not: the byte range of every attribute value,
// no allocation for tokens that hold nothing, and input in pieces.
//
// Where two clients read the same bytes differently, both readings are walked
// and the less common one is marked Legacy. Nothing is fetched, nothing kept,
// and nothing here judges: a Ref says what could be asked for, when, and how
// visible its element is.
package markup
