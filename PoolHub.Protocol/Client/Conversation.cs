using System.Threading.Channels;
using PoolHub.Protocol.Wire;

namespace PoolHub.Protocol.Client;

/// <summary>How a conversation ended.</summary>
/// <param name="Reason">The hub's reason, or this side's; <see cref="CloseReason.Dropped"/> without a goodbye.</param>
/// <param name="Refused">The field for which the hub refused the profile.</param>
/// <param name="MoveTo">Where the hub sent the miner.</param>
internal sealed record Ending(
    CloseReason Reason, string Detail = "", TimeSpan RetryAfter = default, string? Refused = null, Uri? MoveTo = null);

/// <summary>
/// One conversation from the hello to its end; docs/protocol.md, "Conversation". One task receives, one sends
/// heartbeats, and a single timer wakes it.
/// </summary>
internal sealed class Conversation : IAsyncDisposable
{
    /// <summary>How long a hub may take to close after a goodbye.</summary>
    private static readonly TimeSpan s_farewell = TimeSpan.FromSeconds(2);

    private readonly IMinerTransport _transport;
    private readonly MinerSelf _self;
    private readonly Action<MinerClientState> _onState;
    private readonly TimeProvider _time;
    private readonly ITimer _timer;
    private readonly Channel<bool> _wake = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true });

    private readonly Lock _lock = new();
    private volatile MinerClientState _phase = MinerClientState.Connecting;
    private Ending? _ending;
    private volatile bool _leaving;
    private Goodbye _goodbye = new(CloseReason.Leaving, "", 0);
    private TimeSpan _leaseTtl = TimeSpan.FromMinutes(1);
    private TimeSpan _interval;
    private long _lastSentAt;
    private long _unansweredSince;
    private bool _unanswered;
    private long _seq;
    private long _ackedSeq;
    private MinerStatus _toldStatus;

    public Conversation(IMinerTransport transport, MinerSelf self, Action<MinerClientState> onState)
    {
        _transport = transport;
        _self = self;
        _onState = onState;
        _time = self.Options.TimeProvider;
        _timer = _time.CreateTimer(
            static state => ((Conversation)state!).OnTimer(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    public bool IsOnline => _phase is MinerClientState.Online && !_leaving;

    /// <summary>Runs until the end; <paramref name="leave"/> ends it with a goodbye.</summary>
    public async Task<Ending> RunAsync(CancellationToken leave)
    {
        _ = _timer.Change(_self.Options.ConnectTimeout, Timeout.InfiniteTimeSpan);
        await using CancellationTokenRegistration registration = leave.UnsafeRegister(
            static state => ((Conversation)state!).Leave(new Goodbye(CloseReason.Leaving, "", 0)), this);
        string? token = _self.SessionToken;
        try
        {
            await _transport.SendAsync(new Hello(
                Limits.ProtocolVersion, [], _self.Options.MinerId, token is null ? _self.Options.ApiKey : null, token));
        }
        catch (Exception error) when (Transport.IsBroken(error))
        {
            return _ending ?? new Ending(CloseReason.Dropped, error.Message);
        }
        await Task.WhenAll(ReceiveAllAsync(), SendDueAsync());
        return _ending ?? new Ending(CloseReason.Dropped, "the hub closed the connection");
    }

    /// <summary>Ends it without a goodbye.</summary>
    public void Drop(string detail)
    {
        End(new Ending(CloseReason.Dropped, detail));
        _transport.Abort();
    }

    /// <summary>Tells the hub the status and, when it is not null, the new price.</summary>
    public async ValueTask UpdateAsync(TokenPrice? price)
    {
        MinerStatus status = _self.Status;
        lock (_lock)
        {
            _toldStatus = status;
            NoteSent();
        }
        await _transport.SendAsync(new Update(status.QueueLen, status.Busy, status.CurrentJobs ?? [], price));
    }

    /// <summary>Tells the hub the whole profile when it does not know it.</summary>
    public async ValueTask RegisterAsync()
    {
        MinerProfile profile = _self.Profile;
        if (!ReferenceEquals(profile, _self.ToldProfile))
        {
            _self.ToldProfile = profile;
            await _transport.SendAsync(new Register(profile));
        }
    }

    public ValueTask DisposeAsync() => _timer.DisposeAsync();

    /// <summary>The first ending is the cause, and those after it are what it led to.</summary>
    private void End(Ending ending) => _ = Interlocked.CompareExchange(ref _ending, ending, null);

    private void Leave(Goodbye goodbye)
    {
        lock (_lock)
        {
            if (_leaving)
            {
                return;
            }
            _goodbye = goodbye;
            _leaving = true;
            // When the hub does not close after the goodbye, or does not even read it.
            _ = _timer.Change(s_farewell, Timeout.InfiniteTimeSpan);
        }
        _ = _wake.Writer.TryWrite(true);
    }

    private void OnTimer()
    {
        if (_leaving)
        {
            _transport.Abort();
        }
        else if (_phase is not MinerClientState.Online)
        {
            Drop($"the hub did not welcome the miner within {_self.Options.ConnectTimeout.TotalSeconds} s");
        }
        else if (IsSilent())
        {
            Drop($"the hub acknowledged nothing for {_leaseTtl.TotalSeconds} s");
        }
        else
        {
            _ = _wake.Writer.TryWrite(true);
        }
    }

    /// <summary>A connection that broke without a sign looks open: only missing answers tell.</summary>
    private bool IsSilent()
    {
        lock (_lock)
        {
            return _unanswered && _time.GetElapsedTime(_unansweredSince) >= _leaseTtl;
        }
    }

    private async Task SendDueAsync()
    {
        try
        {
            while (await _wake.Reader.WaitToReadAsync())
            {
                while (_wake.Reader.TryRead(out _))
                {
                    // Any number of reasons to wake are one.
                }
                if (_leaving)
                {
                    End(new Ending(_goodbye.Reason, _goodbye.Detail));
                    await _transport.SendAsync(_goodbye);
                    await _transport.CompleteAsync();
                    return;
                }
                if (_phase is MinerClientState.Online)
                {
                    await BeatAsync();
                }
            }
        }
        catch (Exception error) when (Transport.IsBroken(error))
        {
            Drop(error.Message);
        }
    }

    private async ValueTask BeatAsync()
    {
        await RegisterAsync();
        MinerStatus status = _self.Status;
        bool sameJobs;
        lock (_lock)
        {
            sameJobs = status.SameJobs(_toldStatus);
        }
        if (!sameJobs)
        {
            // A heartbeat has no place for these.
            await UpdateAsync(price: null);
        }
        long seq;
        lock (_lock)
        {
            seq = ++_seq;
            NoteSent();
        }
        _ = Interlocked.Increment(ref _self.HeartbeatsSent);
        await _transport.SendAsync(new Heartbeat(
            seq,
            Math.Max(0, _time.GetUtcNow().ToUnixTimeMilliseconds()),
            status.QueueLen,
            status.AvgLatencyMs,
            status.TempC,
            status.MemFreeGb));
    }

    /// <summary>Called under the lock, as is the next.</summary>
    private void NoteSent()
    {
        _lastSentAt = _time.GetTimestamp();
        if (!_unanswered)
        {
            _unanswered = true;
            _unansweredSince = _lastSentAt;
        }
        SetNext();
    }

    /// <summary>The next heartbeat is due an interval after the last; the hub may change the interval in between.</summary>
    private void SetNext()
    {
        if (!_leaving)
        {
            TimeSpan left = _interval - _time.GetElapsedTime(_lastSentAt);
            _ = _timer.Change(left > TimeSpan.Zero ? left : TimeSpan.Zero, Timeout.InfiniteTimeSpan);
        }
    }

    private async Task ReceiveAllAsync()
    {
        try
        {
            while (true)
            {
                Received received = await _transport.ReceiveAsync();
                if (received.Fault is { } fault)
                {
                    Leave(new Goodbye(fault, "", 0));
                    break;
                }
                if (received.Body.IsEmpty)
                {
                    break;
                }
                // After its own goodbye the miner waits only for the end.
                if (!_leaving && !await HandleAsync(received.Body))
                {
                    break;
                }
            }
        }
        catch (Exception error) when (Transport.IsBroken(error))
        {
            Drop(error.Message);
        }
        finally
        {
            _ = _wake.Writer.TryComplete();
        }
    }

    /// <summary>False when the hub ended the conversation.</summary>
    private async ValueTask<bool> HandleAsync(ReadOnlyMemory<byte> body)
    {
        switch (NumberOf(body))
        {
            case (int)MessageNumber.Welcome when TryRead(body, out Welcome welcome):
                await OnWelcomeAsync(welcome);
                break;
            case (int)MessageNumber.Registered when TryRead(body, out Registered registered):
                _leaseTtl = TimeSpan.FromSeconds(registered.LeaseTtlSec);
                GoOnline(registered.NextHeartbeatSec);
                break;
            case (int)MessageNumber.HeartbeatAck when TryRead(body, out HeartbeatAck ack):
                OnAck(ack);
                break;
            case (int)MessageNumber.Ping when TryRead(body, out Ping ping):
                await _transport.SendAsync(new Pong(ping.Nonce));
                _ = Interlocked.Increment(ref _self.PingsAnswered);
                break;
            case (int)MessageNumber.Command:
                await OnCommandAsync(body);
                break;
            case (int)MessageNumber.Error when TryRead(body, out Error error):
                OnError(error);
                break;
            case (int)MessageNumber.Goodbye when TryRead(body, out Goodbye goodbye):
                End(new Ending(goodbye.Reason, goodbye.Detail, TimeSpan.FromMilliseconds(goodbye.RetryAfterMs)));
                return false;
            case 0 or (int)MessageNumber.Welcome or (int)MessageNumber.Registered or (int)MessageNumber.HeartbeatAck
                or (int)MessageNumber.Ping or (int)MessageNumber.Error or (int)MessageNumber.Goodbye:
                Leave(new Goodbye(CloseReason.Malformed, "", 0));
                break;
            default:
                // A newer hub's message; a hub does not send what this miner's hello did not ask for unless it can do without.
                break;
        }
        return true;
    }

    private async ValueTask OnWelcomeAsync(Welcome welcome)
    {
        _self.SessionToken = welcome.SessionToken.Length > 0 ? welcome.SessionToken : _self.SessionToken;
        _self.Epoch = welcome.Epoch;
        _leaseTtl = TimeSpan.FromSeconds(welcome.LeaseTtlSec);
        if (_phase is not MinerClientState.Connecting)
        {
            // Over HTTP a fresh token comes at any time.
            return;
        }
        if (!welcome.Resumed)
        {
            _phase = MinerClientState.Registering;
            _onState(_phase);
            _self.ToldProfile = null;
            await RegisterAsync();
            return;
        }
        GoOnline(welcome.NextHeartbeatSec);
        // The lease may have all but run out meanwhile.
        _ = _wake.Writer.TryWrite(true);
    }

    private void GoOnline(int nextHeartbeatSec)
    {
        lock (_lock)
        {
            _interval = TimeSpan.FromSeconds(nextHeartbeatSec);
            _self.NextHeartbeatSec = nextHeartbeatSec;
            _lastSentAt = _time.GetTimestamp();
            if (_phase is not MinerClientState.Online)
            {
                _toldStatus = default;
                _phase = MinerClientState.Online;
            }
            SetNext();
        }
        _onState(MinerClientState.Online);
        if (_self.Status != default || !ReferenceEquals(_self.Profile, _self.ToldProfile))
        {
            // The hub believes a new session idle until it is told otherwise; and the profile may have changed under way.
            _ = _wake.Writer.TryWrite(true);
        }
    }

    private void OnAck(HeartbeatAck ack)
    {
        lock (_lock)
        {
            long newly = Math.Clamp(ack.Seq, _ackedSeq, _seq) - _ackedSeq;
            _ackedSeq += newly;
            _ = Interlocked.Add(ref _self.HeartbeatsAcked, newly);
            if (_unanswered)
            {
                _self.LastRoundTrip = _time.GetElapsedTime(_unansweredSince);
                _unanswered = false;
            }
            _interval = TimeSpan.FromSeconds(ack.NextHeartbeatSec);
            _self.NextHeartbeatSec = ack.NextHeartbeatSec;
            SetNext();
        }
    }

    private void OnError(Error error)
    {
        _ = Interlocked.Increment(ref _self.ErrorsReceived);
        _self.LastError = error;
        if (_phase is not MinerClientState.Online)
        {
            End(new Ending(CloseReason.Leaving, error.Detail, Refused: error.Field));
            Leave(new Goodbye(CloseReason.Leaving, "", 0));
        }
    }

    private async ValueTask OnCommandAsync(ReadOnlyMemory<byte> body)
    {
        _ = Interlocked.Increment(ref _self.CommandsReceived);
        (CommandReply reply, Command command) = Decide(body);
        Uri? moveTo = null;
        if (reply.Accepted && command.Kind is CommandKind.Reconnect && !TryFindHub(command.Addr, out moveTo, out string problem))
        {
            reply = new CommandReply(false, problem);
        }
        await _transport.SendAsync(new CommandAck(command.Id, reply.Accepted, reply.Detail));
        if (!reply.Accepted)
        {
            return;
        }
        switch (command.Kind)
        {
            case CommandKind.SetPriceCap when command.Price < _self.Profile.Price:
                await SetPriceAsync(command.Price);
                break;
            case CommandKind.UpdateTags:
                _self.Profile = _self.Profile with { Tags = command.Tags ?? [] };
                await RegisterAsync();
                break;
            case CommandKind.Drain:
                _self.Draining = command.On;
                break;
            case CommandKind.Reconnect:
                End(new Ending(
                    CloseReason.Leaving, "the hub asked to reconnect", TimeSpan.FromMilliseconds(command.DelayMs), MoveTo: moveTo));
                Leave(new Goodbye(CloseReason.Leaving, "as asked", 0));
                break;
            default:
                break;
        }
    }

    /// <summary>Changes the price here and at the hub.</summary>
    public ValueTask SetPriceAsync(TokenPrice price)
    {
        bool known = ReferenceEquals(_self.Profile, _self.ToldProfile);
        _self.Profile = _self.Profile with { Price = price };
        if (known)
        {
            _self.ToldProfile = _self.Profile;
        }
        return UpdateAsync(price);
    }

    private (CommandReply Reply, Command Command) Decide(ReadOnlyMemory<byte> body)
    {
        _ = MessageReader.TryOpen(body.Span, out _, out MessageReader reader);
        Command command = Command.Read(ref reader);
        if (reader.Failed)
        {
            return (new CommandReply(false, $"{reader.Field} {reader.Problem}"), command);
        }
        if (command.Kind is CommandKind.UpdateTags
            && MinerProfile.FindListProblem("tags", command.Tags ?? [], Limits.MaxTags) is var (field, problem))
        {
            return (new CommandReply(false, $"{field} {problem}"), command);
        }
        if (_self.Options.OnCommand is not { } decide)
        {
            return (Enum.IsDefined(command.Kind) ? new CommandReply(true) : new CommandReply(false, "unknown command"), command);
        }
        try
        {
            CommandReply reply = decide(command);
            return (reply with { Detail = Cut(reply.Detail ?? "") }, command);
        }
        catch (Exception error)
        {
            // The hub shall know that nothing came of it, and the miner goes on.
            return (new CommandReply(false, Cut(error.Message)), command);
        }

        static string Cut(string detail) => detail.Length <= Limits.DetailChars ? detail : detail[..Limits.DetailChars];
    }

    /// <summary>An empty address means the same hub.</summary>
    private bool TryFindHub(string? addr, out Uri? hub, out string problem)
    {
        Uri current = _self.Options.Hub;
        hub = null;
        problem = "";
        if (string.IsNullOrEmpty(addr))
        {
            return true;
        }
        string text = addr.Contains("://", StringComparison.Ordinal) ? addr : $"{current.Scheme}://{addr}";
        if (!Uri.TryCreate(text, UriKind.Absolute, out hub) || !MinerClientOptions.IsKnownScheme(hub.Scheme) || hub.Host.Length == 0)
        {
            problem = "addr is no address of a hub";
            return false;
        }
        if (MinerClientOptions.IsTls(current.Scheme) && !MinerClientOptions.IsTls(hub.Scheme))
        {
            problem = "the miner does not leave TLS";
            return false;
        }
        return true;
    }

    private static int NumberOf(ReadOnlyMemory<byte> body) =>
        MessageReader.TryOpen(body.Span, out int number, out _) ? number : 0;

    private static bool TryRead<T>(ReadOnlyMemory<byte> body, out T message)
        where T : struct, IMessage<T>
    {
        _ = MessageReader.TryOpen(body.Span, out _, out MessageReader reader);
        message = T.Read(ref reader);
        return !reader.Failed;
    }
}
