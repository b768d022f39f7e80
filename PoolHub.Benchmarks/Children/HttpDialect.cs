using System.Buffers.Text;
using System.Text;

namespace PoolHub.Benchmarks.Children;

/// <summary>HTTP/1.1 answers of status 200 that carry their length.</summary>
internal sealed class HttpDialect : IDialect
{
    public int LengthOf(ReadOnlySpan<byte> received)
    {
        int head = received.IndexOf("\r\n\r\n"u8);
        if (head < 0)
        {
            return 0;
        }
        if (!received.StartsWith("HTTP/1.1 200 "u8))
        {
            throw new InvalidDataException(Encoding.UTF8.GetString(received));
        }
        ReadOnlySpan<byte> name = "Content-Length: "u8;
        int at = received[..head].IndexOf(name);
        if (at < 0 || !Utf8Parser.TryParse(received[(at + name.Length)..], out int length, out _))
        {
            throw new InvalidDataException("an answer without its length");
        }
        int whole = head + 4 + length;
        return received.Length >= whole ? whole : 0;
    }
}
