package main

import (
	"regexp"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/quench-proxy/quench/internal/strictyaml"
)

// noArgs refuses arguments; one that looks like a subcommand comes with the
// nearest.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if n := nearestCommand(cmd, args[0]); n != "" {
		return usagef("unknown command %q for %q; did you mean %q?", args[0], cmd.CommandPath(), n)
	}
	if names := commandNames(cmd); len(names) > 0 {
		return usagef("unknown command %q for %q; there are: %s", args[0], cmd.CommandPath(), strings.Join(names, ", "))
	}
	return usagef("%q takes no arguments, but got %q", cmd.CommandPath(), args[0])
}

// maxArgs refuses more than n arguments.
func maxArgs(n int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) > n {
			return usagef("%q takes at most %d argument(s), but got %d", cmd.CommandPath(), n, len(args))
		}
		return nil
	}
}

// needsCommand is the RunE of a command that only groups others.
func needsCommand(cmd *cobra.Command, _ []string) error {
	return usagef("%q needs one of: %s", cmd.CommandPath(), strings.Join(commandNames(cmd), ", "))
}

func nearestCommand(cmd *cobra.Command, word string) string {
	return strictyaml.Nearest(word, commandNames(cmd))
}

func commandNames(cmd *cobra.Command) []string {
	var names []string
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			names = append(names, c.Name())
		}
	}
	return names
}

var unknownFlagRE = regexp.MustCompile(`^unknown flag: --(\S+)$`)

// flagError adds the nearest flag to an unknown one.
func flagError(cmd *cobra.Command, err error) error {
	m := unknownFlagRE.FindStringSubmatch(err.Error())
	if m == nil {
		return &usageError{err}
	}
	var known []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) { known = append(known, f.Name) })
	if n := strictyaml.Nearest(m[1], known); n != "" {
		return usagef("unknown flag --%s for %q; did you mean --%s?", m[1], cmd.CommandPath(), n)
	}
	return usagef("unknown flag --%s for %q", m[1], cmd.CommandPath())
}

// strictHelp has the commands that the library adds refuse what does not exist
// instead of printing a help text as if all were well.
func strictHelp(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd("completion") // with an argument: it is made only then
	for _, c := range root.Commands() {
		switch c.Name() {
		case "completion":
			c.Args, c.RunE = noArgs, needsCommand
		case "help":
			c.RunE = func(_ *cobra.Command, args []string) error { return helpOn(root, args) }
		}
	}
}

func helpOn(root *cobra.Command, args []string) error {
	cmd, rest, err := root.Find(args)
	if err != nil || len(rest) > 0 {
		return usagef("there is no command %q", strings.Join(args, " "))
	}
	cmd.InitDefaultHelpFlag()
	return cmd.Help()
}
