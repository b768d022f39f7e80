using System.Threading.Channels;
using PoolHub.Protocol.Wire;

namespace PoolHub.Protocol.Client;

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
    private readonly HeartbeatClock _clock;
    private readonly CommandHandler _commands;
    private readonly Channel<bool> _wake = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true });

    private readonly Lock _lock = new();
    private volatile MinerClientState _phase = MinerClientState.Connecting;
    private Ending? _ending;
    private volatile bool _leaving;
    private Goodbye _goodbye = new(CloseReason.Leaving, "", 0);
    private TimeSpan _leaseTtl = TimeSpan.FromMinutes(1);

    public Conversation(IMinerTransport transport, MinerSelf self, Action<MinerClientState> onState)
    {
        _transport = transport;
        _self = self;
        _onState = onState;
        _clock = new HeartbeatClock(self.Options.TimeProvider, OnDue);
        Reporter = new MinerReporter(transport, self, _clock);
        _commands = new CommandHandler(transport, self, this);
    }

    public MinerReporter Reporter { get; }

    public bool IsOnline => _phase is MinerClientState.Online && !_leaving;

    /// <summary>Runs until the end; <paramref name="leave"/> ends it with a goodbye.</summary>
    public async Task<Ending> RunAsync(CancellationToken leave)
    {
        _clock.Limit(_self.Options.ConnectTimeout);
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

    /// <summary>Ends it with a goodbye, for the given cause.</summary>
    public void LeaveFor(Ending cause, string detail)
    {
        End(cause);
        Leave(new Goodbye(CloseReason.Leaving, detail, 0));
    }

    /// <summary>Ends it without a goodbye.</summary>
    public void Drop(string detail)
    {
        End(new Ending(CloseReason.Dropped, detail));
        _transport.Abort();
    }

    public ValueTask DisposeAsync() => _clock.DisposeAsync();

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
            _clock.Limit(s_farewell);
        }
        _ = _wake.Writer.TryWrite(true);
    }

    private void OnDue()
    {
        if (_leaving)
        {
            _transport.Abort();
        }
        else if (_phase is not MinerClientState.Online)
        {
            Drop($"the hub did not welcome the miner within {_self.Options.ConnectTimeout.TotalSeconds} s");
        }
        else if (_clock.IsSilentFor(_leaseTtl))
        {
            Drop($"the hub acknowledged nothing for {_leaseTtl.TotalSeconds} s");
        }
        else
        {
            _ = _wake.Writer.TryWrite(true);
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
                    await Reporter.BeatAsync();
                }
            }
        }
        catch (Exception error) when (Transport.IsBroken(error))
        {
            Drop(error.Message);
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
        switch (MessageReader.NumberOf(body.Span))
        {
            case (int)MessageNumber.Welcome when MessageReader.TryRead(body.Span, out Welcome welcome):
                await OnWelcomeAsync(welcome);
                break;
            case (int)MessageNumber.Registered when MessageReader.TryRead(body.Span, out Registered registered):
                _leaseTtl = TimeSpan.FromSeconds(registered.LeaseTtlSec);
                GoOnline(registered.NextHeartbeatSec);
                break;
            case (int)MessageNumber.HeartbeatAck when MessageReader.TryRead(body.Span, out HeartbeatAck ack):
                OnAck(ack);
                break;
            case (int)MessageNumber.Ping when MessageReader.TryRead(body.Span, out Ping ping):
                _ = Interlocked.Increment(ref _self.PingsAnswered);
                await _transport.SendAsync(new Pong(ping.Nonce));
                break;
            case (int)MessageNumber.Command:
                _ = Interlocked.Increment(ref _self.CommandsReceived);
                await _commands.TakeAsync(body);
                break;
            case (int)MessageNumber.Error when MessageReader.TryRead(body.Span, out Error error):
                OnError(error);
                break;
            case (int)MessageNumber.Goodbye when MessageReader.TryRead(body.Span, out Goodbye goodbye):
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
            await Reporter.RegisterAsync();
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
            // A farewell's limit stands.
            if (_leaving)
            {
                return;
            }
            _self.NextHeartbeatSec = nextHeartbeatSec;
            if (_phase is not MinerClientState.Online)
            {
                Reporter.Begin();
                _phase = MinerClientState.Online;
            }
            _clock.Beat(TimeSpan.FromSeconds(nextHeartbeatSec));
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
        (long newly, TimeSpan? roundTrip) = _clock.NoteAck(ack);
        _ = Interlocked.Add(ref _self.HeartbeatsAcked, newly);
        _self.LastRoundTrip = roundTrip ?? _self.LastRoundTrip;
        _self.NextHeartbeatSec = ack.NextHeartbeatSec;
    }

    private void OnError(Error error)
    {
        _ = Interlocked.Increment(ref _self.ErrorsReceived);
        _self.LastError = error;
        if (_phase is not MinerClientState.Online)
        {
            LeaveFor(new Ending(CloseReason.Leaving, error.Detail, Refused: error.Field), "");
        }
    }
}
