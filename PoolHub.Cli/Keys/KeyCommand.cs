using System.CommandLine;
using PoolHub.Cli.Shell;
using PoolHub.Protocol.Http;

namespace PoolHub.Cli.Keys;

internal static class KeyCommand
{
    public static Command Create(Terminal terminal, HubOptions hub)
    {
        var command = new CommandWithExamples(
            "key",
            "Make, withdraw and list the keys of miners. Needs the admin token. A new key is printed once and kept nowhere.",
            "poolhub key issue rig-1",
            "poolhub key rotate rig-1 --grace-sec 3600",
            "poolhub key revoke rig-1",
            "poolhub key list",
            "poolhub key log rig-1");
        command.Add(hub.Json);
        command.Add(Issue(terminal, hub));
        command.Add(Rotate(terminal, hub));
        command.Add(Revoke(terminal, hub));
        command.Add(KeyLists.Keys(terminal, hub));
        command.Add(KeyLists.Log(terminal, hub));
        return command;
    }

    private static Command Issue(Terminal terminal, HubOptions hub)
    {
        Argument<string> id = Miner();
        var issue = new Command("issue", "Make the first key of a miner and print it.") { id };
        issue.SetAction(async (line, cancel) =>
        {
            using HubConnection connection = hub.Connect(line);
            Write(terminal, await connection.Admin().IssueKeyAsync(line.GetValue(id)!, cancel), line.GetValue(hub.Json));
            return ExitCode.Done;
        });
        return issue;
    }

    private static Command Rotate(Terminal terminal, HubOptions hub)
    {
        Argument<string> id = Miner();
        var graceSec = new Option<int?>("--grace-sec") { Description = "How long the old key stays valid [default: the hub's]", HelpName = "s" };
        var rotate = new Command("rotate", "Make a new key and print it; the old one stays valid for a while.") { id, graceSec };
        rotate.SetAction(async (line, cancel) =>
        {
            using HubConnection connection = hub.Connect(line);
            KeyResponse key = await connection.Admin().RotateKeyAsync(line.GetValue(id)!, line.GetValue(graceSec), cancel);
            Write(terminal, key, line.GetValue(hub.Json));
            return ExitCode.Done;
        });
        return rotate;
    }

    private static Command Revoke(Terminal terminal, HubOptions hub)
    {
        Argument<string> id = Miner();
        var revoke = new Command("revoke", "Make all keys of a miner invalid and end its session.") { id };
        revoke.SetAction(async (line, cancel) =>
        {
            using HubConnection connection = hub.Connect(line);
            RevokeResponse revoked = await connection.Admin().RevokeKeyAsync(line.GetValue(id)!, cancel);
            if (line.GetValue(hub.Json))
            {
                terminal.WriteJson(revoked, HubJson.Default.RevokeResponse);
            }
            else
            {
                terminal.WriteLine($"{revoked.MinerId}: {Pages.Counted(revoked.Revoked, "key", "keys")} revoked");
            }
            return ExitCode.Done;
        });
        return revoke;
    }

    /// <summary>Only the key, so that it can be captured by a script.</summary>
    private static void Write(Terminal terminal, KeyResponse key, bool asJson)
    {
        if (asJson)
        {
            terminal.WriteJson(key, HubJson.Default.KeyResponse);
        }
        else
        {
            terminal.WriteLine(key.ApiKey);
        }
    }

    private static Argument<string> Miner() => new("id") { Description = "The miner." };
}
