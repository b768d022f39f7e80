using System.Diagnostics.CodeAnalysis;

namespace PoolHub.Daemon.Settings;

internal enum CommandAction
{
    Run,
    CheckConfig,
    MigrateOnly,
    Export,
    Import,
    Version,
    Help,
    Reload,
}

/// <summary>What the program was started with; everything else is a setting.</summary>
/// <param name="ConfigPath">The settings file; null for the default place.</param>
/// <param name="ArchivePath">What is exported to or imported from.</param>
internal sealed record CommandLine(CommandAction Action, string? ConfigPath, string? ArchivePath = null)
{
    public const string Usage = $"""
        Usage: poolhubd [--config PATH] [--check-config | --reload | --migrate-only | --export FILE | --import FILE]
               poolhubd --version | --help

          --config PATH    read settings from this file, not from {SettingsSource.DefaultPath}
          --check-config   name everything that is wrong with the settings, and end
          --reload         let the running hub read its settings again, and say what is wrong with them
          --migrate-only   bring the store's schema to this version, and end
          --export FILE    write everything in the store to a new file, and end
          --import FILE    read such a file into an empty store, and end
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
                case "--migrate-only":
                    line = line with { Action = CommandAction.MigrateOnly };
                    break;
                case "--export" or "--import" when i + 1 < args.Length:
                    line = line with
                    {
                        Action = args[i] == "--export" ? CommandAction.Export : CommandAction.Import,
                        ArchivePath = args[++i],
                    };
                    break;
                case "--export" or "--import":
                    complaint = $"{args[i]} needs a file";
                    return false;
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
