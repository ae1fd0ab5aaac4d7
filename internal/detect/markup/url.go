package markup

func hostOf(u string) string { return "" }
