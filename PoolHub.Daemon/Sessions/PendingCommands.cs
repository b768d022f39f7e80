using System.Diagnostics.CodeAnalysis;
using PoolHub.Protocol.Wire;

namespace PoolHub.Daemon.Sessions;

/// <summary>A command that its miner has not acknowledged yet.</summary>
/// <param name="Command">As it is sent.</param>
/// <param name="Refused">Of a drain: what takes it back when the miner refuses it; null when nothing does.</param>
internal sealed record WaitingCommand(Command Command, Func<Task>? Refused = null)
{
    private readonly TaskCompletionSource<CommandAck> _source = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>What became of it. A drain that nobody answers is so all the same.</summary>
    public Task<CommandAck> Outcome => _source.Task;

    public void End(in CommandAck outcome) => _ = _source.TrySetResult(outcome);
}

/// <summary>The commands of one session that were not acknowledged yet, oldest first.</summary>
internal sealed class PendingCommands
{
    /// <summary>Beside them one to drain, which always finds a place.</summary>
    public const int Max = 64;

    private readonly Lock _gate = new();
    private readonly SortedDictionary<long, WaitingCommand> _waiting = [];
    private long _last;

    /// <summary>Numbers the command and keeps it until its acknowledgement; null when too many wait already.</summary>
    /// <param name="refused">See <see cref="WaitingCommand"/>.</param>
    public WaitingCommand? Add(in Command command, Func<Task>? refused = null)
    {
        WaitingCommand? before = null;
        WaitingCommand added;
        lock (_gate)
        {
            if (command.Kind == CommandKind.Drain)
            {
                // The last one counts, and is the only one that the miner needs to answer.
                before = _waiting.Values.FirstOrDefault(c => c.Command.Kind == CommandKind.Drain);
                _ = before is not null && _waiting.Remove(before.Command.Id);
            }
            else if (_waiting.Values.Count(c => c.Command.Kind != CommandKind.Drain) >= Max)
            {
                return null;
            }
            added = new WaitingCommand(command with { Id = ++_last }, before?.Refused ?? refused);
            _waiting.Add(added.Command.Id, added);
        }
        before?.End(new CommandAck(before.Command.Id, before.Command.On == command.On, "a newer command took its place"));
        return added;
    }

    /// <summary>The command that an acknowledgement is of; it waits on until <see cref="Remove"/>.</summary>
    public bool TryFind(long id, [NotNullWhen(true)] out WaitingCommand? command)
    {
        lock (_gate)
        {
            return _waiting.TryGetValue(id, out command);
        }
    }

    public void Remove(WaitingCommand command)
    {
        lock (_gate)
        {
            _ = _waiting.Remove(command.Command.Id);
        }
    }

    /// <summary>The session is over: what waits is refused, but for a drain, which needs no answer.</summary>
    public void Abandon()
    {
        WaitingCommand[] left;
        lock (_gate)
        {
            left = [.. _waiting.Values];
            _waiting.Clear();
        }
        foreach (WaitingCommand command in left)
        {
            command.End(new CommandAck(command.Command.Id, command.Command.Kind == CommandKind.Drain, "the session ended"));
        }
    }

    public Command[] Waiting()
    {
        lock (_gate)
        {
            return [.. _waiting.Values.Select(c => c.Command)];
        }
    }
}
