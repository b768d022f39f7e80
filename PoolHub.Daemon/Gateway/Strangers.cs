using System.Runtime.InteropServices;

namespace PoolHub.Daemon.Gateway;

/// <summary>
/// Those who have connected to a door and sent nothing yet. Each is a descriptor that epoll(7) watches, beside the door's
/// own, and one small entry: a Socket is made of it when its first bytes are there. One thread waits for all of them.
/// </summary>
/// <param name="door">The listening socket.</param>
/// <param name="came">Lets in who waits outside; true when it is well to gather some more before the next time.</param>
/// <param name="spoke">Takes over one that has sent something, and its descriptor; false when nobody does any more.</param>
/// <param name="left">Told of one that is gone, and whether it has brought no byte at all.</param>
/// <param name="failed">Told when nobody is waited for any more.</param>
internal sealed class Strangers(
    SafeHandle door, Func<bool> came, Func<int, GatedConnection, bool> spoke, Action<GatedConnection, bool> left, Action<Exception> failed)
    : IDisposable
{
    private const int MostEvents = 256;
    private const int StackBytes = 256 << 10;

    /// <summary>The door's number; those who come are counted from here.</summary>
    private const long Door = 0;

    /// <summary>A crowd is taken together, which costs much less than one by one: this many are one.</summary>
    private const int Crowd = 512;
    private static readonly TimeSpan Gather = TimeSpan.FromMilliseconds(1);

    private readonly int _epoll = Libc.CreateEpoll(Libc.CloseOnExec);

    /// <summary>Is readable from the beginning: whoever waits is told at once when it is watched.</summary>
    private readonly int _end = Libc.CreateEvent(1, Libc.CloseOnExec);

    private readonly Dictionary<long, Stranger> _waiting = [];
    private readonly Lock _lock = new();
    private readonly ManualResetEventSlim _closed = new(initialState: false, spinCount: 0);
    private Thread? _thread;
    private long _lastNumber = Door;

    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _waiting.Count;
            }
        }
    }

    /// <exception cref="IOException">No descriptor is left for it.</exception>
    public void Start()
    {
        Span<byte> change = stackalloc byte[Libc.EventBytes];
        if (_end < 0 || Libc.ControlEpoll(_epoll, Libc.Add, door, ref EventOf(Door, change)) != 0)
        {
            throw new IOException("the kernel lets no epoll watch the door");
        }
        _thread = new Thread(Run, StackBytes) { IsBackground = true, Name = "door" };
        _thread.Start();
    }

    /// <summary>
    /// From here on nobody new comes. To be called before the door is closed: where systemd keeps it open, epoll would go on
    /// watching it.
    /// </summary>
    public void Forget()
    {
        if (!door.IsClosed && !_closed.IsSet)
        {
            Span<byte> change = stackalloc byte[Libc.EventBytes];
            _ = Libc.ControlEpoll(_epoll, Libc.Delete, door, ref EventOf(Door, change));
        }
    }

    /// <summary>Waits for one's first bytes. To be called by those who come in, one after the other.</summary>
    /// <param name="descriptor">Is closed here, or handed over.</param>
    public void Wait(int descriptor, GatedConnection gated)
    {
        Span<byte> change = stackalloc byte[Libc.EventBytes];
        gated.Number = ++_lastNumber;
        bool watched;
        lock (_lock)
        {
            _waiting[gated.Number] = new Stranger(descriptor, gated);
            watched = Libc.ControlEpoll(_epoll, Libc.Add, descriptor, ref EventOf(gated.Number, change)) == 0;
        }
        // The gate may have closed it a moment ago, and not have found it.
        if (!watched || gated.Aborted)
        {
            Close(gated);
        }
    }

    /// <summary>Closes one, if it is still here.</summary>
    public void Close(GatedConnection gated)
    {
        if (Take(gated.Number) is { } stranger)
        {
            End(stranger);
        }
    }

    /// <summary>Ends all.</summary>
    public void Dispose()
    {
        if (!_closed.IsSet)
        {
            Span<byte> change = stackalloc byte[Libc.EventBytes];
            _ = Libc.ControlEpoll(_epoll, Libc.Add, _end, ref EventOf(long.MaxValue, change));
            _closed.Set();
            _thread?.Join();
            _closed.Dispose();
        }
    }

    private void Run()
    {
        // Nearly always in the kernel's hands.
        byte[] events = GC.AllocateUninitializedArray<byte>(MostEvents * Libc.EventBytes, pinned: true);
        try
        {
            while (!_closed.IsSet)
            {
                int count = Libc.WaitEpoll(_epoll, ref events[0], MostEvents, timeoutMs: -1);
                bool gather = false;
                for (int end = Libc.EventBytes; end <= count * Libc.EventBytes; end += Libc.EventBytes)
                {
                    long number = MemoryMarshal.Read<long>(events.AsSpan(end - sizeof(long)));
                    if (number == Door)
                    {
                        gather = came();
                    }
                    else
                    {
                        Look(number);
                    }
                }
                if (gather || Count >= Crowd)
                {
                    _ = _closed.Wait(Gather);
                }
            }
        }
        catch (Exception e)
        {
            failed(e);
        }
        finally
        {
            _closed.Set();
            EndAll();
        }
    }

    private void EndAll()
    {
        Stranger[] all;
        lock (_lock)
        {
            all = [.. _waiting.Values];
        }
        Array.ForEach(all, stranger => Close(stranger.Gated));
        _ = Libc.Close(_epoll);
        _ = Libc.Close(_end);
    }

    /// <summary>One has something to say, or is gone.</summary>
    private void Look(long number)
    {
        // Else it was closed in the meantime.
        if (Take(number) is not { } stranger)
        {
            return;
        }
        if (!HasSent(stranger.Descriptor))
        {
            End(stranger);
        }
        else if (!spoke(stranger.Descriptor, stranger.Gated))
        {
            left(stranger.Gated, false);
        }
    }

    /// <summary>
    /// Whoever takes one out has its descriptor alone: nobody finds it here any more, nor does epoll tell of it, when its
    /// number is given to the next.
    /// </summary>
    private Stranger? Take(long number)
    {
        Span<byte> change = stackalloc byte[Libc.EventBytes];
        lock (_lock)
        {
            if (!_waiting.Remove(number, out Stranger stranger))
            {
                return null;
            }
            _ = Libc.ControlEpoll(_epoll, Libc.Delete, stranger.Descriptor, ref EventOf(number, change));
            return stranger;
        }
    }

    private void End(Stranger stranger)
    {
        // Less than what is waited for may have come.
        bool wordless = !HasSent(stranger.Descriptor);
        _ = Libc.Close(stranger.Descriptor);
        left(stranger.Gated, wordless);
    }

    private static bool HasSent(int descriptor)
    {
        byte first = 0;
        return Libc.Receive(descriptor, ref first, 1, Libc.Peek | Libc.DontWait) > 0;
    }

    private static ref byte EventOf(long number, Span<byte> change)
    {
        uint readable = Libc.Readable;
        MemoryMarshal.Write(change, in readable);
        MemoryMarshal.Write(change[^sizeof(long)..], in number);
        return ref MemoryMarshal.GetReference(change);
    }

    private readonly record struct Stranger(int Descriptor, GatedConnection Gated);
}
