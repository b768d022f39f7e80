using System.Diagnostics.CodeAnalysis;

namespace PoolHub.Daemon.Settings;

internal enum CommandAction
{
    Run,
    CheckConfig,
    Version,
    Help,
    Reload,
}

/// <summary>What the program was started with; everything else is a setting.</summary>
/// <param name="ConfigPath">The settings file; null for the default place.</param>
internal sealed record CommandLine(CommandAction Action, string? ConfigPath)
{
    public const string Usage = $"""
        Usage: poolhubd [--config PATH] [--check-config] [--reload] [--version] [--help]

          --config PATH    read settings from this file, not from {SettingsSource.DefaultPath}
          --check-config   name everything that is wrong with the settings, and end
          --reload         let the running hub read its settings again, and say what is wrong with them
          --version        print the version, and end

        The environment overrides the file. Signals: TERM stops, HUP reloads weights, limits,
        secrets and the log level.
        """;

    public static bool TryParse(string[] args, out CommandLine line, [NotNullWhen(false)] out string? complaint)
    {
        line = new CommandLine(CommandAction.Run, null);
        complaint = null;
        for (int i = 0; i < args.Length; i++)
        {
            switch (args[i])
            {
                case "--config" when i + 1 < args.Length:
                    line = line with { ConfigPath = args[++i] };
                    break;
                case "--config":
                    complaint = "--config needs a path";
                    return false;
                case "--check-config":
                    line = line with { Action = CommandAction.CheckConfig };
                    break;
                case "--reload":
                    line = line with { Action = CommandAction.Reload };
                    break;
                case "--version":
                    line = line with { Action = CommandAction.Version };
                    break;
                case "--help" or "-h":
                    line = line with { Action = CommandAction.Help };
                    break;
                default:
                    complaint = $"unknown argument '{args[i]}'";
                    return false;
            }
        }
        return true;
    }
}
