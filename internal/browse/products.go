package browse

import "path/filepath"

// product is a browser that can be asked for by name: its program names in
// PATH, and where it is when it is not there.
type product struct {
	name     string
	family   Family
	programs []string
	places   []string
}

// products lists what is looked for, best first.
func products(f Finder) []product {
	switch f.OS {
	case "darwin":
		return darwinProducts(f)
	case "windows":
		return windowsProducts(f)
	}
	return unixProducts(f)
}

func unixProducts(f Finder) []product {
	return []product{
		{"chromium", Chromium, []string{"chromium", "chromium-browser", "ungoogled-chromium"},
			append([]string{"/usr/bin/chromium", "/usr/bin/chromium-browser", "/snap/bin/chromium"}, flatpaks(f, "org.chromium.Chromium")...)},
		{"chrome", Chromium, []string{"google-chrome-stable", "google-chrome", "google-chrome-beta", "google-chrome-unstable"},
			append([]string{"/usr/bin/google-chrome-stable", "/opt/google/chrome/google-chrome"}, flatpaks(f, "com.google.Chrome")...)},
		{"edge", Chromium, []string{"microsoft-edge-stable", "microsoft-edge", "microsoft-edge-beta", "microsoft-edge-dev"},
			append([]string{"/usr/bin/microsoft-edge-stable", "/opt/microsoft/msedge/microsoft-edge"}, flatpaks(f, "com.microsoft.Edge")...)},
		{"brave", Chromium, []string{"brave-browser-stable", "brave-browser", "brave"},
			append([]string{"/usr/bin/brave-browser-stable", "/opt/brave.com/brave/brave-browser", "/snap/bin/brave"}, flatpaks(f, "com.brave.Browser")...)},
		{"firefox", Firefox, []string{"firefox", "firefox-esr", "firefox-developer-edition", "firefox-nightly", "librewolf"},
			append([]string{"/usr/bin/firefox", "/usr/bin/firefox-esr", "/opt/firefox/firefox", "/usr/lib/firefox/firefox", "/snap/bin/firefox"},
				flatpaks(f, "org.mozilla.firefox")...)},
	}
}

// flatpaks lists where flatpak puts the launcher of an app; they are looked
// for only to be refused with the reason.
func flatpaks(f Finder, app string) []string {
	places := []string{"/var/lib/flatpak/exports/bin/" + app}
	if f.Home != "" {
		places = append(places, filepath.Join(f.Home, ".local/share/flatpak/exports/bin", app))
	}
	return places
}

func darwinProducts(f Finder) []product {
	app := func(path string) []string {
		places := []string{filepath.Join("/Applications", path)}
		if f.Home != "" {
			places = append(places, filepath.Join(f.Home, "Applications", path))
		}
		return places
	}
	return []product{
		{"chromium", Chromium, []string{"chromium"}, app("Chromium.app/Contents/MacOS/Chromium")},
		{"chrome", Chromium, []string{"google-chrome"}, app("Google Chrome.app/Contents/MacOS/Google Chrome")},
		{"edge", Chromium, []string{"microsoft-edge"}, app("Microsoft Edge.app/Contents/MacOS/Microsoft Edge")},
		{"brave", Chromium, []string{"brave-browser"}, app("Brave Browser.app/Contents/MacOS/Brave Browser")},
		{"firefox", Firefox, []string{"firefox"}, app("Firefox.app/Contents/MacOS/firefox")},
	}
}

func windowsProducts(f Finder) []product {
	under := func(path string) []string {
		var places []string
		for _, root := range []string{"ProgramFiles", "ProgramFiles(x86)", "LocalAppData"} {
			if dir := f.Getenv(root); dir != "" {
				places = append(places, filepath.Join(dir, filepath.FromSlash(path)))
			}
		}
		return places
	}
	return []product{
		{"chromium", Chromium, []string{"chromium.exe"}, under("Chromium/Application/chrome.exe")},
		{"chrome", Chromium, []string{"chrome.exe"}, under("Google/Chrome/Application/chrome.exe")},
		{"edge", Chromium, []string{"msedge.exe"}, under("Microsoft/Edge/Application/msedge.exe")},
		{"brave", Chromium, []string{"brave.exe"}, under("BraveSoftware/Brave-Browser/Application/brave.exe")},
		{"firefox", Firefox, []string{"firefox.exe"}, under("Mozilla Firefox/firefox.exe")},
	}
}
