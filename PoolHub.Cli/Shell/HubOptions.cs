using System.CommandLine;

namespace PoolHub.Cli.Shell;

/// <summary>The options that commands share: where the hub is, who asks, and how the answer is shown.</summary>
internal sealed class HubOptions
{
    public Option<string> Hub { get; } = new("--hub")
    {
        Description = "The hub's HTTP address.",
        HelpName = "url",
        DefaultValueFactory = _ => Environment.GetEnvironmentVariable("POOLHUB_URL") is { Length: > 0 } url ? url : HubAddress.DefaultHttp,
    };

    public Option<string?> MinerHub { get; } = new("--miner-hub")
    {
        Description = "The hub's address for miners over TCP [default: the same host, the next port]",
        HelpName = "url",
    };

    public Option<string?> Secret { get; } = new("--secret")
    {
        Description = "The coordinators' shared secret; others on this machine can see it in the process list, so prefer a file.",
        HelpName = "text",
    };

    public Option<string?> SecretFile { get; } = new("--secret-file")
    {
        Description = "A file that holds the secret [default: coordinator-secret in /etc/poolhub, or in the hub's state directory]",
        HelpName = "path",
    };

    public Option<string?> Token { get; } = new("--token")
    {
        Description = "The admin token; as with --secret, prefer a file.",
        HelpName = "text",
    };

    public Option<string?> TokenFile { get; } = new("--token-file")
    {
        Description = "A file that holds the admin token [default: admin-token in /etc/poolhub, or in the hub's state directory]",
        HelpName = "path",
    };

    /// <summary>Of the commands that the hub answers, and of those below them.</summary>
    public Option<bool> Json { get; } = new("--json") { Description = "Print the hub's answer as it is.", Recursive = true };

    public void AddTo(Command command)
    {
        foreach (Option option in (Option[])[Hub, MinerHub, Secret, SecretFile, Token, TokenFile])
        {
            option.Recursive = true;
            command.Add(option);
        }
    }

    public HubConnection Connect(ParseResult line)
    {
        string? miners = line.GetValue(MinerHub) ?? Environment.GetEnvironmentVariable("POOLHUB_MINER_URL");
        var address = HubAddress.Parse(line.GetValue(Hub)!, miners is { Length: > 0 } ? miners : null);
        return new HubConnection(
            address,
            () => Secrets.OfThisProcess.CoordinatorSecret(line.GetValue(Secret), line.GetValue(SecretFile)),
            () => Secrets.OfThisProcess.AdminToken(line.GetValue(Token), line.GetValue(TokenFile)),
            () => Secrets.OfThisProcess.AdminTokenIfAny(line.GetValue(Token), line.GetValue(TokenFile)));
    }
}
