// Package answer makes the responses that the proxy gives in a tracker's
// place, chosen so that pages keep working.
package answer
