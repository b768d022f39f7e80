using PoolHub.Protocol;
using PoolHub.Protocol.Http;
using PoolHub.Protocol.Wire;

namespace PoolHub.Daemon.Sessions;

/// <summary>Commands by their names in JSON.</summary>
internal static class CommandNames
{
    public static string Name(CommandKind kind) => kind switch
    {
        CommandKind.SetPriceCap => "set_price_cap",
        CommandKind.UpdateTags => "update_tags",
        CommandKind.Drain => "drain",
        CommandKind.Reconnect => "reconnect",
        _ => "unknown",
    };

    /// <summary>A command as one line for people.</summary>
    public static string Describe(in Command command) => command.Kind switch
    {
        CommandKind.SetPriceCap => $"{Name(command.Kind)} {command.Price}",
        CommandKind.UpdateTags => $"{Name(command.Kind)} {string.Join(", ", command.Tags ?? [])}",
        CommandKind.Drain => command.On ? Name(command.Kind) : $"{Name(command.Kind)} off",
        _ => $"{Name(command.Kind)} {command.Addr}",
    };

    public static PendingCommand ToPending(in Command command) => new()
    {
        CommandId = command.Id,
        Command = Name(command.Kind),
        PriceTokenPerKsec = command.Kind == CommandKind.SetPriceCap ? command.Price : null,
        Tags = command.Kind == CommandKind.UpdateTags ? command.Tags ?? [] : null,
        On = command.Kind == CommandKind.Drain ? command.On : null,
        Addr = command.Kind == CommandKind.Reconnect ? command.Addr : null,
        DelayMs = command.Kind == CommandKind.Reconnect ? command.DelayMs : null,
    };

    /// <summary>The command that an admin asks for, without its id; or the field at fault.</summary>
    public static Command? Read(CommandRequest request, out (string Field, string Problem) fault)
    {
        fault = default;
        switch (request.Command)
        {
            case "set_price_cap" when request.PriceTokenPerKsec is { } price:
                return new Command(0, CommandKind.SetPriceCap, Price: price);
            case "set_price_cap":
                fault = ("price_token_per_ksec", "is missing");
                return null;
            case "update_tags" when request.Tags is { } tags:
                if (MinerProfile.FindListProblem("tags", tags, Limits.MaxTags) is { } problem)
                {
                    fault = problem;
                    return null;
                }
                return new Command(0, CommandKind.UpdateTags, Tags: tags);
            case "update_tags":
                fault = ("tags", "is missing");
                return null;
            case "drain":
                return new Command(0, CommandKind.Drain, On: request.On ?? true);
            case "reconnect":
                string addr = request.Addr ?? "";
                if (addr.Length > Limits.AddrChars || !Texts.IsPrintable(addr))
                {
                    fault = ("addr", $"must be at most {Limits.AddrChars} printable characters");
                    return null;
                }
                if (request.DelayMs is < 0)
                {
                    fault = ("delay_ms", "must be 0 or more");
                    return null;
                }
                return new Command(0, CommandKind.Reconnect, Addr: addr, DelayMs: request.DelayMs ?? 0);
            default:
                fault = ("command", "must be set_price_cap, update_tags, drain or reconnect");
                return null;
        }
    }
}
