using System.Net.Sockets;

namespace PoolHub.Daemon.Gateway;

/// <summary>
/// Waits for the first byte of each connection, and leaves it where it is. Nothing is thrown, and next to nothing made, for
/// those that end without one.
/// </summary>
/// <param name="spoke">Takes over one that has sent something; false when nobody does any more.</param>
/// <param name="left">Told of one that ended, or was not taken over.</param>
internal sealed class FirstBytes(Func<Socket, GatedConnection, bool> spoke, Action<GatedConnection> left)
{
    /// <summary>So many are kept for those who come next.</summary>
    private const int MaxSpare = 1_024;

    private readonly HashSet<FirstByte> _waiting = [];
    private readonly Stack<FirstByte> _spare = [];
    private readonly Lock _lock = new();
    private bool _closed;

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

    public void Wait(Socket socket, GatedConnection gated)
    {
        if (Begin(socket, gated) is not { } first)
        {
            End(socket, gated);
            return;
        }
        bool pending;
        try
        {
            pending = socket.ReceiveAsync(first);
        }
        catch (ObjectDisposedException)
        {
            // The gate has closed it in the meantime.
            Forget(first);
            End(socket, gated);
            return;
        }
        if (!pending)
        {
            Complete(first);
        }
    }

    /// <summary>Ends all, and those who come from here on.</summary>
    public void Close()
    {
        Socket[] sockets;
        lock (_lock)
        {
            _closed = true;
            sockets = [.. _waiting.Select(first => first.Socket!)];
        }
        Array.ForEach(sockets, socket => socket.Dispose());
    }

    private FirstByte? Begin(Socket socket, GatedConnection gated)
    {
        lock (_lock)
        {
            if (_closed)
            {
                return null;
            }
            if (!_spare.TryPop(out FirstByte? first))
            {
                first = new FirstByte(this);
            }
            first.Begin(socket, gated);
            _ = _waiting.Add(first);
            return first;
        }
    }

    private void Complete(FirstByte first)
    {
        bool heard = first is { SocketError: SocketError.Success, BytesTransferred: > 0 };
        (Socket socket, GatedConnection gated) = Forget(first);
        if (!heard || !spoke(socket, gated))
        {
            End(socket, gated);
        }
    }

    private (Socket, GatedConnection) Forget(FirstByte first)
    {
        lock (_lock)
        {
            _ = _waiting.Remove(first);
            (Socket, GatedConnection) whose = first.End();
            if (_spare.Count < MaxSpare)
            {
                _spare.Push(first);
            }
            else
            {
                first.Dispose();
            }
            return whose;
        }
    }

    private void End(Socket socket, GatedConnection gated)
    {
        socket.Dispose();
        left(gated);
    }

    /// <summary>One that is waited for.</summary>
    private sealed class FirstByte : SocketAsyncEventArgs
    {
        private readonly FirstBytes _all;
        private GatedConnection? _gated;

        public FirstByte(FirstBytes all)
            : base(true)
        {
            _all = all;
            SetBuffer(new byte[1]);
        }

        public Socket? Socket { get; private set; }

        public void Begin(Socket socket, GatedConnection gated)
        {
            (Socket, _gated) = (socket, gated);
            // What was received last has changed it.
            SocketFlags = SocketFlags.Peek;
        }

        public (Socket, GatedConnection) End()
        {
            (Socket, GatedConnection) whose = (Socket!, _gated!);
            (Socket, _gated) = (null, null);
            return whose;
        }

        protected override void OnCompleted(SocketAsyncEventArgs e) => _all.Complete(this);
    }
}
