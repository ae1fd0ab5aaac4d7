//go:build !linux

package main

import "net"

// There is no systemd here.

const (
	stateReady    = ""
	stateStopping = ""
)

func stateReloading() string { return "" }

func (a *app) passedListeners() ([]net.Listener, error) { return nil, nil }

func (a *app) notify(string) {}
