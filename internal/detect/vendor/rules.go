package vendor

// Rules is a compiled set of specs.
type Rules struct{}
