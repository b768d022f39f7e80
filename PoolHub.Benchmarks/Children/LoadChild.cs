using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace PoolHub.Benchmarks.Children;

/// <summary>
/// A closed loop over many connections: each has one request under way. Answers are taken connection after connection in
/// one thread, with one call to read and one to send each, so that little of the machine goes into asking.
/// </summary>
/// <remarks>
/// <c>load DIALECT PORT CONNECTIONS GREETING REQUEST…</c>, the last ones files ("-" for no greeting). The line
/// <c>INDEX MS</c> asks that request for so long, and the answer is how many answers came in how many seconds. Each run of
/// two # or more in a request stands for a number that is another one each time, as far as its digits go.
/// </remarks>
internal sealed class LoadChild(IDialect dialect, int port) : IDisposable
{
    public const string Name = "load";

    private readonly List<Socket> _sockets = [];
    private byte[] _received = new byte[65_536];
    private long _asked;

    public static int Run(string[] arguments)
    {
        using var load = new LoadChild(Dialects.Named(arguments[0]), int.Parse(arguments[1], null));
        byte[]? greeting = arguments[3] == "-" ? null : File.ReadAllBytes(arguments[3]);
        byte[][] requests = [.. arguments.Skip(4).Select(File.ReadAllBytes)];
        for (int i = int.Parse(arguments[2], null); i > 0; i--)
        {
            load.Connect(greeting);
        }
        Console.WriteLine("ready");
        while (Console.ReadLine() is { } line)
        {
            string[] parts = line.Split(' ');
            (long answers, double seconds) = load.Run(
                requests[int.Parse(parts[0], null)], TimeSpan.FromMilliseconds(int.Parse(parts[1], null)));
            Console.WriteLine($"{answers} {seconds}");
        }
        return 0;
    }

    /// <summary>Asks once, and returns the whole answer.</summary>
    public static byte[] Ask(IDialect dialect, int port, params byte[][] requests)
    {
        using var load = new LoadChild(dialect, port);
        load.Connect(greeting: null);
        byte[] answer = [];
        foreach (byte[] request in requests)
        {
            Send(load._sockets[0], request);
            answer = load._received[..load.Receive(load._sockets[0])];
        }
        return answer;
    }

    public void Dispose() => _sockets.ForEach(socket => socket.Dispose());

    private void Connect(byte[]? greeting)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        _sockets.Add(socket);
        socket.Connect(IPAddress.Loopback, port);
        if (greeting is not null)
        {
            // One after the other, each answered.
            foreach (byte[] part in Greetings.Split(greeting))
            {
                Send(socket, part);
                _ = Receive(socket);
            }
        }
    }

    private (long Answers, double Seconds) Run(byte[] request, TimeSpan duration)
    {
        Range[] numbers = Numbers(request);
        request = [.. request];
        long begin = Stopwatch.GetTimestamp();
        foreach (Socket socket in _sockets)
        {
            Number(request, numbers);
            Send(socket, request);
        }
        long answers = 0;
        while (Stopwatch.GetElapsedTime(begin) < duration)
        {
            foreach (Socket socket in _sockets)
            {
                _ = Receive(socket);
                Number(request, numbers);
                Send(socket, request);
            }
            answers += _sockets.Count;
        }
        foreach (Socket socket in _sockets)
        {
            _ = Receive(socket);
            answers++;
        }
        return (answers, Stopwatch.GetElapsedTime(begin).TotalSeconds);
    }

    private static Range[] Numbers(byte[] request)
    {
        List<Range> found = [];
        for (int i = 0; i < request.Length; i++)
        {
            int begin = i;
            while (i < request.Length && request[i] == '#')
            {
                i++;
            }
            if (i > begin + 1)
            {
                found.Add(begin..i);
            }
        }
        return [.. found];
    }

    private void Number(byte[] request, Range[] numbers)
    {
        long number = numbers.Length > 0 ? _asked++ : 0;
        foreach (Range place in numbers)
        {
            long left = number;
            Span<byte> digits = request.AsSpan(place);
            for (int i = digits.Length - 1; i >= 0; i--)
            {
                digits[i] = (byte)('0' + (left % 10));
                left /= 10;
            }
        }
    }

    private static void Send(Socket socket, byte[] request)
    {
        for (int sent = 0; sent < request.Length;)
        {
            sent += socket.Send(request.AsSpan(sent));
        }
    }

    /// <summary>Takes one answer, which is all that comes; it begins the buffer.</summary>
    private int Receive(Socket socket)
    {
        for (int filled = 0; ;)
        {
            int read = socket.Receive(_received.AsSpan(filled));
            if (read == 0)
            {
                throw new IOException("the server closed the connection");
            }
            filled += read;
            int length = dialect.LengthOf(_received.AsSpan(0, filled));
            if (length > 0)
            {
                return length == filled ? length : throw new InvalidDataException("more came than was asked for");
            }
            if (filled == _received.Length)
            {
                Array.Resize(ref _received, filled * 2);
            }
        }
    }
}
