final class RemoteLink {}
