namespace PoolHub.Daemon.Matching;

/// <summary>
/// Whose batch goes on. Batches work in short turns, between which other requests get the processor: one of a coordinator
/// at a time, and so few together that one core is left. Who waits for its reader has no turn.
/// </summary>
/// <param name="together">How many turns there are at once.</param>
internal sealed class BatchTurns(int together)
{
    /// <summary>Batches of one coordinator that are under way.</summary>
    public const int Most = 64;

    private readonly Lock _gate = new();
    private readonly Dictionary<uint, int> _underWay = [];
    private readonly HashSet<uint> _working = [];
    private readonly LinkedList<(uint Tag, TaskCompletionSource Turn)> _waiting = new();

    /// <summary>One core is left for what is not heavy.</summary>
    public static BatchTurns OfMachine() => new(Math.Max(1, Environment.ProcessorCount - 1));

    /// <summary>False when too many batches of the coordinator are under way.</summary>
    public bool TryEnter(uint tag)
    {
        lock (_gate)
        {
            int count = _underWay.GetValueOrDefault(tag);
            _underWay[tag] = Math.Min(count + 1, Most);
            return count < Most;
        }
    }

    public void Leave(uint tag)
    {
        lock (_gate)
        {
            if (--_underWay[tag] == 0)
            {
                _underWay.Remove(tag);
            }
        }
    }

    /// <summary>Ends when the coordinator has a turn, which it has until <see cref="End"/>.</summary>
    public Task BeginAsync(uint tag)
    {
        lock (_gate)
        {
            if (_working.Count < together && _working.Add(tag))
            {
                return Task.CompletedTask;
            }
            var turn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _waiting.AddLast((tag, turn));
            return turn.Task;
        }
    }

    public void End(uint tag)
    {
        lock (_gate)
        {
            _working.Remove(tag);
            // Who has just had a turn comes last.
            if ((Find(other => other != tag) ?? Find(_ => true)) is { } next)
            {
                _waiting.Remove(next);
                _working.Add(next.Value.Tag);
                next.Value.Turn.SetResult();
            }
        }
    }

    private LinkedListNode<(uint Tag, TaskCompletionSource Turn)>? Find(Func<uint, bool> admits)
    {
        LinkedListNode<(uint Tag, TaskCompletionSource Turn)>? node = _waiting.First;
        while (node is not null && (_working.Contains(node.Value.Tag) || !admits(node.Value.Tag)))
        {
            node = node.Next;
        }
        return node;
    }
}
