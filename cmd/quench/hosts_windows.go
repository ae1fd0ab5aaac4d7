package main

const hostsPath = `C:\Windows\System32\drivers\etc\hosts`
