using PoolHub.Protocol.Wire;

namespace PoolHub.Daemon.Sessions;

/// <summary>The commands of one session that were not acknowledged yet, oldest first.</summary>
internal sealed class PendingCommands
{
    public const int Max = 64;

    private readonly Lock _gate = new();
    private readonly SortedDictionary<long, Entry> _waiting = [];
    private long _last;

    /// <summary>Numbers the command and keeps it until its acknowledgement; null when too many wait already.</summary>
    public (Command Command, Task<CommandAck> Acknowledged)? Add(in Command command)
    {
        lock (_gate)
        {
            if (_waiting.Count >= Max)
            {
                return null;
            }
            var entry = new Entry(command with { Id = ++_last });
            _waiting.Add(entry.Command.Id, entry);
            return (entry.Command, entry.Source.Task);
        }
    }

    /// <summary>The command that is acknowledged; null when none waits under that number.</summary>
    public Command? Acknowledge(in CommandAck ack)
    {
        Entry? entry;
        lock (_gate)
        {
            if (!_waiting.Remove(ack.Id, out entry))
            {
                return null;
            }
        }
        entry.Source.SetResult(ack);
        return entry.Command;
    }

    /// <summary>The session is over: what waits is refused.</summary>
    public void Abandon()
    {
        Entry[] entries;
        lock (_gate)
        {
            entries = [.. _waiting.Values];
            _waiting.Clear();
        }
        foreach (Entry entry in entries)
        {
            entry.Source.SetResult(new CommandAck(entry.Command.Id, Accepted: false, "the session ended"));
        }
    }

    public Command[] Waiting()
    {
        lock (_gate)
        {
            return [.. _waiting.Values.Select(e => e.Command)];
        }
    }

    private sealed record Entry(Command Command)
    {
        public TaskCompletionSource<CommandAck> Source { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
