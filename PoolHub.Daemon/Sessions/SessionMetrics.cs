using PoolHub.Protocol;
using PoolHub.Protocol.Wire;
using Prometheus;

namespace PoolHub.Daemon.Sessions;

internal sealed class SessionMetrics
{
    private readonly Counter.Child[] _received;
    private readonly Counter.Child[] _sent;
    private readonly Counter.Child[] _closes;
    private readonly Gauge.Child[] _sessions;
    private readonly Counter.Child _unknown;

    public SessionMetrics(IMetricFactory factory)
    {
        Counter frames = factory.CreateCounter("poolhub_frames_total", "Messages of the miner protocol.", ["direction", "message"]);
        MessageNumber[] numbers = Enum.GetValues<MessageNumber>();
        _received = new Counter.Child[numbers.Length + 1];
        _sent = new Counter.Child[numbers.Length + 1];
        foreach (MessageNumber number in numbers)
        {
            string name = System.Text.Json.JsonNamingPolicy.SnakeCaseLower.ConvertName(number.ToString());
            _received[(int)number] = frames.WithLabels("in", name);
            _sent[(int)number] = frames.WithLabels("out", name);
        }
        _unknown = frames.WithLabels("in", "unknown");

        Counter closes = factory.CreateCounter("poolhub_closes_total", "Ended conversations, by close reason.", ["reason"]);
        _closes = new Counter.Child[byte.MaxValue + 1];
        foreach (CloseReason reason in Enum.GetValues<CloseReason>())
        {
            _closes[(int)reason] = closes.WithLabels(reason.Name());
        }
        Gauge sessions = factory.CreateGauge("poolhub_sessions", "Sessions, by transport.", ["transport"]);
        _sessions = [.. Enum.GetValues<Transport>().Select(t => sessions.WithLabels(t.Name()))];
    }

    public void Received(int number) =>
        (number > 0 && number < _received.Length ? _received[number] : _unknown).Inc();

    public void Sent(MessageNumber number) => _sent[(int)number].Inc();

    public void Closed(CloseReason reason) => _closes[(int)reason]?.Inc();

    public void SetSessions(ReadOnlySpan<int> byTransport)
    {
        for (int i = 0; i < byTransport.Length; i++)
        {
            _sessions[i].Set(byTransport[i]);
        }
    }
}
