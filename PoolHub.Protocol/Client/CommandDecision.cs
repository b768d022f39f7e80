using PoolHub.Protocol.Wire;

namespace PoolHub.Protocol.Client;

/// <summary>Whether a miner does what a command of the hub asks; docs/protocol.md, "10 Command".</summary>
internal static class CommandDecision
{
    /// <summary>Reads a command and asks the miner's owner, where there is one.</summary>
    public static (CommandReply Reply, Command Command) Of(ReadOnlyMemory<byte> body, MinerClientOptions options)
    {
        _ = MessageReader.TryOpen(body.Span, out _, out MessageReader reader);
        Command command = Command.Read(ref reader);
        if (reader.Failed)
        {
            return (new CommandReply(false, $"{reader.Field} {reader.Problem}"), command);
        }
        if (command.Kind is CommandKind.UpdateTags
            && MinerProfile.FindListProblem("tags", command.Tags ?? [], Limits.MaxTags) is var (field, problem))
        {
            return (new CommandReply(false, $"{field} {problem}"), command);
        }
        if (options.OnCommand is not { } decide)
        {
            CommandReply known = Enum.IsDefined(command.Kind) ? new CommandReply(true) : new CommandReply(false, "unknown command");
            return (known, command);
        }
        try
        {
            CommandReply reply = decide(command);
            return (reply with { Detail = Cut(reply.Detail ?? "") }, command);
        }
        catch (Exception error)
        {
            // The hub shall know that nothing came of it, and the miner goes on.
            return (new CommandReply(false, Cut(error.Message)), command);
        }

        static string Cut(string detail) => detail.Length <= Limits.DetailChars ? detail : detail[..Limits.DetailChars];
    }

    /// <summary>Where a reconnect command sends the miner; null for the same hub.</summary>
    public static bool TryFindHub(string? addr, Uri current, out Uri? hub, out string problem)
    {
        hub = null;
        problem = "";
        if (string.IsNullOrEmpty(addr))
        {
            return true;
        }
        string text = addr.Contains("://", StringComparison.Ordinal) ? addr : $"{current.Scheme}://{addr}";
        if (!Uri.TryCreate(text, UriKind.Absolute, out hub)
            || !MinerClientOptions.IsKnownScheme(hub.Scheme) || hub.Host.Length == 0)
        {
            problem = "addr is no address of a hub";
            return false;
        }
        if (MinerClientOptions.IsTls(current.Scheme) && !MinerClientOptions.IsTls(hub.Scheme))
        {
            problem = "the miner does not leave TLS";
            return false;
        }
        return true;
    }
}
