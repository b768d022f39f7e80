using System.Collections.Concurrent;
using System.IO.Pipelines;
using PoolHub.Daemon.Access;
using PoolHub.Daemon.Registry;
using PoolHub.Protocol;

namespace PoolHub.Daemon.Sessions;

/// <summary>Every open socket's conversation, and what concerns all of them.</summary>
internal sealed class Conversations(
    SessionTable table, MinerRegistry registry, CommandDesk commands, LoginGuard guard, SessionMetrics metrics, InflowOptions inflow, TimeProvider time,
    ILogger<Conversations> log)
{
    /// <summary>
    /// Miners that are sent away by a hub that stops come back over a time that grows with their number, not all at once;
    /// and well within their grace, so that the hub which follows does not take them for lost.
    /// </summary>
    private const int StayAwayMs = 1_000;
    private const int ReturnMsPerMiner = 5;
    private const int MinReturnMs = 1_000;
    private const int MaxReturnMs = 60_000;

    private readonly ConcurrentDictionary<Channel, bool> _channels = new();

    private volatile InflowOptions _inflow = inflow;
    private readonly LinePace[] _lines = [.. Enumerable.Range(0, byte.MaxValue + 1).Select(_ => new LinePace(time))];
    private Task _sweeping = Task.CompletedTask;
    private long _enteredAt;
    private volatile bool _shuttingDown;
    private int _returnWithinMs = MinReturnMs;

    public int Count => _channels.Count;

    /// <summary>New limits count for sockets that open from now on.</summary>
    public void Reload(InflowOptions fresh) => _inflow = fresh;

    /// <summary>A socket was opened.</summary>
    /// <param name="transport">What carries it.</param>
    /// <param name="output">Takes frames.</param>
    /// <param name="completes">Whether the pipe is completed after the last of them.</param>
    /// <param name="abort">Tears the socket down.</param>
    /// <param name="since">Timestamp from which the time for the hello counts; null: from now.</param>
    public Conversation Open(Transport transport, PipeWriter output, bool completes, Action abort, long? since = null)
    {
        var channel = new Channel(
            transport, new Outbound(output, time, completes), new Inflow(_inflow, time), abort, since ?? time.GetTimestamp(), metrics, time);
        _channels[channel] = true;
        if (_shuttingDown)
        {
            SayGoodbye(channel);
        }
        return new Conversation(channel, table, registry, commands, metrics);
    }

    /// <summary>The socket is gone.</summary>
    public void Close(Conversation conversation, string remote)
    {
        _channels.TryRemove(conversation.Channel, out _);
        conversation.End();
        CloseReason reason = conversation.Channel.Ended!.Value;
        // A stranger who sends rubbish is only counted: else whoever connects often enough fills the log.
        int leftOut = 0;
        bool told = reason.IsFault() && (conversation.Channel.Session is not null || reason == CloseReason.BadCredentials)
            && _lines[(int)reason].TryTake(out leftOut);
        LogLevel level = told ? LogLevel.Information : LogLevel.Debug;
        string name = reason.Name();
        SessionLog.Ended(log, level, conversation.Channel.Session?.Miner.Id ?? "", remote, name);
        if (leftOut > 0)
        {
            SessionLog.NotLogged(log, leftOut, name);
        }
    }

    /// <summary>Something that nobody foresaw went wrong in one conversation; the others go on.</summary>
    public void Fail(Conversation conversation, string remote, Exception e)
    {
        SessionLog.Failed(log, conversation.Channel.Session?.Miner.Id ?? "", remote, e);
        conversation.Channel.Close(CloseReason.InternalError, "the hub failed");
    }

    public void Sweep(long now, TimeSpan pingInterval)
    {
        // The one before may still be closing a crowd.
        if (_sweeping.IsCompleted)
        {
            _sweeping = SweepAsync(now, pingInterval);
        }
    }

    /// <summary>Tells every miner that the hub stops and when to come back.</summary>
    public void ShutDown()
    {
        _returnWithinMs = ReturnWithinMs(Count, registry.GraceSec);
        _shuttingDown = true;
        SessionLog.ShuttingDown(log, Count);
        foreach ((Channel channel, _) in _channels)
        {
            SayGoodbye(channel);
        }
    }

    /// <summary>Over how many milliseconds so many miners come back.</summary>
    internal static int ReturnWithinMs(int miners, int graceSec) =>
        (int)Math.Clamp((long)miners * ReturnMsPerMiner, MinReturnMs, Math.Max(MinReturnMs, Math.Min(MaxReturnMs, graceSec * 500L)));

    private async Task SweepAsync(long now, TimeSpan pingInterval)
    {
        var registerTimeout = TimeSpan.FromSeconds(registry.LeaseTtlSec);
        var slices = new Slices();
        // A miner may stay for weeks on the connection on which it has logged in.
        bool enter = guard.IsTimeToSayAgain(ref _enteredAt);
        foreach ((Channel channel, _) in _channels)
        {
            if (enter && channel is { Session: not null, Closing: false })
            {
                guard.Entered(channel.Peer.Address);
            }
            if (channel.Sweep(now, pingInterval, registerTimeout))
            {
                await slices.NextAsync();
            }
        }
    }

    private void SayGoodbye(Channel channel) =>
        channel.Close(CloseReason.ShuttingDown, "the hub stops", StayAwayMs + Random.Shared.Next(_returnWithinMs));
}
