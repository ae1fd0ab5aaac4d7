//go:build !windows

package main

const hostsPath = "/etc/hosts"
