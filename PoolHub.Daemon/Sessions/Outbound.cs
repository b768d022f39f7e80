using System.Buffers;
using System.IO.Pipelines;
using PoolHub.Protocol;
using PoolHub.Protocol.Wire;

namespace PoolHub.Daemon.Sessions;

/// <summary>The form in which a miner speaks.</summary>
internal enum WireForm
{
    Binary,
    Text,
}

/// <summary>
/// What goes to one miner, as frames in a pipe. Anybody may send and nobody waits: what fits is written at once, and when
/// the miner does not read, a bounded amount is kept and then the sending fails.
/// </summary>
/// <param name="completes">
/// Whether the pipe is completed after the last message. A TCP socket is left open, since closing it while the miner still
/// sends would lose what was sent last.
/// </param>
internal sealed class Outbound(PipeWriter output, TimeProvider time, bool completes = false)
{
    /// <summary>Bytes kept for a miner that does not read, beyond what its socket holds.</summary>
    private const int MaxKeptBytes = 65_536;

    private readonly Lock _gate = new();
    private bool _flushing;
    private bool _ended;

    /// <summary>What is sent while the pipe is full; null when nothing is.</summary>
    private ArrayBufferWriter<byte>? _kept;
    private long _stalledSince;

    /// <summary>For how long the miner has not read what waits for it.</summary>
    public TimeSpan Stalled
    {
        get
        {
            lock (_gate)
            {
                return _flushing ? time.GetElapsedTime(_stalledSince) : TimeSpan.Zero;
            }
        }
    }

    /// <summary>Sends one message; false when the conversation has ended or too much waits already.</summary>
    public bool TrySend<T>(in T message, WireForm form)
        where T : struct, IMessage<T>
    {
        lock (_gate)
        {
            if (_ended || _kept?.WrittenCount > MaxKeptBytes)
            {
                return false;
            }
            ReadOnlySpan<byte> body = form == WireForm.Binary ? Frame.Encode(message) : TextForm.Encode(message);
            if (_flushing)
            {
                // A pipe is not written to while it flushes.
                Frame.WriteBody(_kept ??= new ArrayBufferWriter<byte>(), body);
            }
            else
            {
                Frame.WriteBody(output, body);
                Flush();
            }
            return true;
        }
    }

    /// <summary>Sends the last message; what is sent after it fails.</summary>
    public void SendLast(in Goodbye goodbye, WireForm form)
    {
        lock (_gate)
        {
            _ = TrySend(goodbye, form);
            EndLocked();
        }
    }

    /// <summary>Ends it without a word: nobody reads any more.</summary>
    public void End()
    {
        lock (_gate)
        {
            _kept = null;
            EndLocked();
        }
    }

    private void EndLocked()
    {
        _ended = true;
        if (completes && !_flushing)
        {
            output.Complete();
        }
    }

    private void Flush()
    {
        ValueTask<FlushResult> flush = output.FlushAsync();
        if (flush.IsCompletedSuccessfully)
        {
            _ended |= flush.Result.IsCompleted;
            return;
        }
        _flushing = true;
        _stalledSince = time.GetTimestamp();
        _ = FinishAsync(flush);
    }

    private async Task FinishAsync(ValueTask<FlushResult> flush)
    {
        bool completed;
        try
        {
            completed = (await flush).IsCompleted;
        }
        catch (Exception e) when (e is InvalidOperationException or OperationCanceledException or IOException)
        {
            completed = true;
        }
        lock (_gate)
        {
            _flushing = false;
            _ended |= completed;
            if (_kept is { WrittenCount: > 0 } && !completed)
            {
                output.Write(_kept.WrittenSpan);
                _kept = null;
                Flush();
            }
            if (_ended)
            {
                EndLocked();
            }
        }
    }
}
