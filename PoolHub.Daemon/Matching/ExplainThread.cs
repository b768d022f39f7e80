using System.Runtime.InteropServices;

namespace PoolHub.Daemon.Matching;

/// <summary>
/// Works out explanations, one after the other, on a thread that takes what others leave of the processor: they look at
/// every miner, and a person waits for them, not a job. Coordinators take turns. The thread lives while there is work.
/// </summary>
internal sealed class ExplainThread
{
    /// <summary>Of one coordinator, and of all.</summary>
    public const int MostEach = 8;
    public const int Most = 64;

    private const int OfThread = 0;
    private const int Nicest = 19;

    private readonly Lock _gate = new();
    private readonly Dictionary<uint, Queue<Action>> _waiting = [];
    private readonly Queue<uint> _turns = new();
    private int _count;
    private bool _runs;

    /// <summary>Works something out; null when too many wait.</summary>
    /// <param name="tag">Of the coordinator that asks.</param>
    /// <param name="work">What to do. What it throws is the task's.</param>
    public Task<T>? TryRun<T>(uint tag, Func<T> work)
    {
        var done = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_gate)
        {
            Queue<Action>? own = _waiting.GetValueOrDefault(tag);
            if (_count == Most || own?.Count == MostEach)
            {
                return null;
            }
            if (own is null)
            {
                _waiting[tag] = own = new Queue<Action>();
                _turns.Enqueue(tag);
            }
            own.Enqueue(() => Complete(done, work));
            _count++;
            if (!_runs)
            {
                _runs = true;
                new Thread(Run) { IsBackground = true, Name = "explain" }.Start();
            }
        }
        return done.Task;
    }

    private static void Complete<T>(TaskCompletionSource<T> done, Func<T> work)
    {
        try
        {
            done.SetResult(work());
        }
        catch (Exception e)
        {
            done.SetException(e);
        }
    }

    private void Run()
    {
        // Of this thread alone; a system that does not grant it leaves all as it is.
        _ = SetPriority(OfThread, 0, Nicest);
        while (Next() is { } work)
        {
            work();
        }
    }

    private Action? Next()
    {
        lock (_gate)
        {
            if (!_turns.TryDequeue(out uint tag))
            {
                _runs = false;
                return null;
            }
            Queue<Action> own = _waiting[tag];
            Action work = own.Dequeue();
            _count--;
            if (own.Count > 0)
            {
                _turns.Enqueue(tag);
            }
            else
            {
                _waiting.Remove(tag);
            }
            return work;
        }
    }

    [DllImport("libc", EntryPoint = "setpriority")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int SetPriority(int which, uint who, int nice);
}
