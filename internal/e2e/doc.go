// Package e2e holds no code of the program: its tests drive real browsers
// against the real proxy, wired as the program wires it, before a fake
// internet on loopback that counts every request that reaches it.
package e2e
