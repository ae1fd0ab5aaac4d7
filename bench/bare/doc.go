// Package bare is goproxy as it comes: intercepting, with a tuned transport
// and a store for certificates, and nothing of ours. Its test binary is the
// baseline that bench/proxies measures Quench against; it lives in test files
// because goproxy is a matter of internal/proxy alone.
package bare
