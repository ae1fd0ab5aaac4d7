//go:build !linux

package main

// There is no systemd here.

const (
	stateReady    = ""
	stateStopping = ""
)

func stateReloading() string { return "" }

func (a *app) passedSockets() (passed, error) { return passed{}, nil }

func (a *app) notify(string) {}
